import type { Video } from "../api/client";
import { timeLeft } from "../ui/words";

/** What a page knows of the video that it shows. */
export type Standing =
  | { is: "loading" }
  | { is: "known"; video: Video }
  /** There is none of this id. */
  | { is: "missing" }
  /** There was one until now. */
  | { is: "deleted" }
  | { is: "unreachable"; error: unknown };

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

/** `43 %, 2 min left`: how far a video is that is being processed; empty when it is not. */
export function progressWords({ status, progress }: Pick<Video, "status" | "progress">): string {
  if (status !== "processing" || !progress) return "";
  const done = `${Math.floor(progress.percent)} %`;
  return progress.eta_secs == null ? done : `${done}, ${timeLeft(progress.eta_secs)}`;
}
