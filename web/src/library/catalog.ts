import type { Video } from "../api/client";
import { sentence } from "../api/errors";

/**
 * What is to be believed when `news` of a video comes and `known` was believed so far. News may come twice and out of order, from the
 * list and from the stream of events; the larger revision is the newer one. Lists tell no progress, so what is known of it stays.
 */
export function newer(known: Video | undefined, news: Video): Video {
  if (known && news.revision < known.revision) return known;
  return keepProgress(known, news);
}

/** Progress changes without a new revision, and is not told by lists. */
function keepProgress(known: Video | undefined, news: Video): Video {
  const isSame = known?.status === news.status && (news.status === "processing" || news.status === "failed");
  return isSame && !news.progress && known.progress ? { ...news, progress: known.progress } : news;
}

/** Whether something is still to happen to a video by itself. */
export function isInProgress(video: Pick<Video, "status">): boolean {
  return video.status === "uploading" || video.status === "queued" || video.status === "processing";
}

/** Whether a failed video may be tried again as it is. */
export function isRetryable(video: Pick<Video, "status" | "failure">): boolean {
  return video.status === "failed" && video.failure?.retryable === true;
}

/** What just came of a video that was in progress, in words. */
export function outcomeOf(known: Video | undefined, now: Video): string | undefined {
  if (!known || !isInProgress(known)) return undefined;
  if (now.status === "ready") return `${now.title} is ready`;
  if (now.status === "failed") return `${now.title} failed. ${sentence(now.failure?.message ?? "")}`;
  return undefined;
}
