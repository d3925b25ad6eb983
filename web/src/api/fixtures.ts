import type { Video } from "./client";

/** A video for a test: ready, unless it says otherwise. */
export function video(change: Partial<Video> = {}): Video {
  return {
    id: "2M66FCTM3C4YRV3KBF6K265PTH",
    title: "Sunset over the harbour",
    visibility: "unlisted",
    status: "ready",
    playable: true,
    size_bytes: 574_000,
    duration_secs: 12,
    created_at: "2026-03-10T11:00:00.5Z",
    updated_at: "2026-03-10T11:01:00Z",
    revision: 6,
    ...change,
  };
}
