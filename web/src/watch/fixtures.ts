import type { Video } from "../api/client";

/** A video for a test: being processed, and not playable yet, unless it says otherwise. */
export function video(changes: Partial<Video> = {}): Video {
  return {
    id: "01JD2Q4ZK8M3T9V7XN5RWB6CEH",
    title: "Holidays",
    visibility: "unlisted",
    status: "processing",
    playable: false,
    size_bytes: 1000,
    created_at: "2026-11-21T12:00:00Z",
    updated_at: "2026-11-21T12:00:00Z",
    revision: 3,
    ...changes,
  };
}
