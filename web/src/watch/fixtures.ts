import type { Video } from "../api/client";
import { video as ready } from "../api/fixtures";

/** A video for a test: being processed, and not playable yet, unless it says otherwise. */
export function video(changes: Partial<Video> = {}): Video {
  return ready({ status: "processing", playable: false, duration_secs: null, revision: 3, ...changes });
}
