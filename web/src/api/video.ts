import type { Video, VideoStatus } from "./client";

/** Whether nothing more happens to a video by itself. */
export function isFinal({ status }: Pick<Video, "status">): boolean {
  return status === "ready" || status === "failed";
}

/** How a video stands, in a word. */
export const STATUS_WORDS: Readonly<Record<VideoStatus, string>> = {
  uploading: "Uploading",
  queued: "Queued",
  processing: "Processing",
  ready: "Ready",
  failed: "Failed",
};
