import type { Video } from "../api/client";
import { percent, progressWords } from "../ui/words";

/** What a page knows of the video that it shows. */
export type Standing =
  | { is: "loading" }
  | { is: "known"; video: Video }
  /** There is none of this id. */
  | { is: "missing" }
  /** There was one until now. */
  | { is: "deleted" }
  | { is: "unreachable"; error: unknown };

/** What is said where there is no video to tell of. */
export const WITHOUT_VIDEO = {
  loading: "Loading",
  missing: "There is no such video",
  deleted: "This video has been deleted",
  unreachable: "The video did not load",
} as const;

/** `standing` after the service told of the video. What it told before, and came late, changes nothing. */
export function withVideo(standing: Standing, video: Video): Standing {
  if (standing.is === "deleted") return standing;
  const isOld = standing.is === "known" && standing.video.revision > video.revision;
  return isOld ? standing : { is: "known", video };
}

/** `standing` after the service said that there is no such video. */
export function withoutVideo(standing: Standing): Standing {
  return { is: standing.is === "known" || standing.is === "deleted" ? "deleted" : "missing" };
}

/** `standing` after the service could not be asked: what is known stays. */
export function withError(standing: Standing, error: unknown): Standing {
  return standing.is === "loading" || standing.is === "unreachable" ? { is: "unreachable", error } : standing;
}

/** A video that plays. */
export type PlayableVideo = Video & { playback_url: string };

/** Whether it plays, perhaps not yet to its end. */
export function isPlayable(video: Video): video is PlayableVideo {
  return video.playable && !!video.playback_url && video.status !== "failed";
}

/** Where a video is on its way to being watched. */
export interface Preparation {
  title: string;
  note: string;
  /** 0 to 1, where it is known. */
  share: number | undefined;
}

/** What to tell while a video does not play. */
export function preparationOf({ status, progress }: Pick<Video, "status" | "progress">): Preparation {
  if (status === "uploading") {
    return {
      title: "Still being uploaded",
      note: "It plays a few seconds after its upload ends.",
      share: undefined,
    };
  }
  if (status === "queued") {
    return { title: "Waiting for its turn", note: "Other videos are before it.", share: undefined };
  }
  const share = progress && progress.percent > 0 ? progress.percent / 100 : undefined;
  return { title: "Getting ready to play", note: "It plays as soon as its first seconds are done.", share };
}

/** How far a video is that is being processed, in words; empty when it is not. */
export function progressOf({ status, progress }: Pick<Video, "status" | "progress">): string {
  return status === "processing" && progress ? progressWords(progress.percent / 100, progress.eta_secs) : "";
}

/** What screen readers say as it changes: every state, and how far a video is at each quarter. A failure is said by its own alert. */
export function announcementOf(standing: Standing): string {
  if (standing.is !== "known") return WITHOUT_VIDEO[standing.is];
  const { video } = standing;
  if (video.status === "failed") return "";
  if (video.status === "ready") return "The video is ready";
  const quarter = Math.floor((video.progress?.percent ?? 0) / 25) / 4;
  const state = isPlayable(video)
    ? "The video plays now, and is still being processed"
    : preparationOf(video).title;
  return quarter > 0 ? `${state}: ${percent(quarter)}` : state;
}
