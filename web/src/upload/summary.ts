/** What is said of all uploads together, at the head of their panel. */
import type { Video } from "../api/client";
import { isFinal } from "../api/video";
import { bytes, percent, plural, timeLeft } from "../ui/words";
import { secondsLeft } from "./speed";
import { isUnderWay, type UploadState } from "./state";

/** What counts of an upload. */
export interface Counted {
  readonly name: string;
  readonly state: UploadState;
  readonly sizeBytes: number;
  readonly sentBytes: number;
  readonly speed: number | undefined;
}

/** All uploads in a few words. */
export interface Summary {
  readonly title: string;
  /** How far and how fast; empty when nothing is under way. */
  readonly detail: string;
  /** 0 to 1 while something is under way. */
  readonly share: number | undefined;
}

/** Sums uploads up. */
export function summaryOf(uploads: readonly Counted[]): Summary {
  const count = (...states: UploadState[]) => uploads.filter(({ state }) => states.includes(state)).length;
  const underWay = uploads.filter(({ state }) => isUnderWay(state)).length;
  if (underWay > 0) {
    const { share, detail } = progressOf(uploads);
    const failed = count("failed", "refused");
    return {
      title: `Uploading ${plural(underWay, "video")}`,
      detail: failed > 0 ? `${detail} · ${failed} failed` : detail,
      share,
    };
  }
  const [interrupted, failed, paused] = [count("fileless"), count("failed", "refused"), count("paused")];
  const title =
    interrupted > 0
      ? `${plural(interrupted, "upload")} interrupted`
      : failed > 0
        ? `${plural(failed, "upload")} failed`
        : paused > 0
          ? `${plural(paused, "upload")} paused`
          : count("elsewhere") > 0
            ? "Uploading in another tab"
            : count("done") > 0
              ? `${plural(count("done"), "video")} uploaded`
              : "Upload cancelled";
  return { title, detail: "", share: undefined };
}

/** Of what is under way and of what has come before it. */
function progressOf(uploads: readonly Counted[]): { share: number; detail: string } {
  const counted = uploads.filter(({ state }) => isUnderWay(state) || state === "done");
  const sum = (of: (upload: Counted) => number) => counted.reduce((total, upload) => total + of(upload), 0);
  const [size, sent, speed] = [
    sum(({ sizeBytes }) => sizeBytes),
    sum(({ sentBytes }) => sentBytes),
    sum(({ speed }) => speed ?? 0),
  ];
  const share = size > 0 ? sent / size : 0;
  const left = secondsLeft(size - sent, speed);
  const parts = [percent(share)];
  if (speed > 0) parts.push(`${bytes(speed)}/s`);
  if (left !== null) parts.push(timeLeft(left));
  return { share, detail: parts.join(" · ") };
}

/** Whether an upload has become a video of which it is not known yet what it comes to. */
export function awaitsOutcome(
  uploads: readonly { readonly state: UploadState; readonly videoId: string | undefined }[],
  videoOf: (id: string) => Pick<Video, "status"> | undefined,
): boolean {
  return uploads.some(({ state, videoId }) => {
    if (state !== "done" || videoId === undefined) return false;
    const video = videoOf(videoId);
    return !video || !isFinal(video);
  });
}

/** The sum for who listens instead of looking: said again only when a quarter more is through, or something happens. */
export function spokenSummary(uploads: readonly Counted[]): string {
  const { title, share } = summaryOf(uploads);
  const failed = uploads
    .filter(({ state }) => state === "failed" || state === "refused")
    .map(({ name }) => name);
  const parts = [title];
  if (share !== undefined && share >= 0.25) parts.push(`${Math.floor(share * 4) * 25} % sent`);
  if (failed.length > 0) parts.push(`failed: ${failed.join(", ")}`);
  return parts.join(", ");
}

/** What needs the user comes first, what is done last; the rest stays as it was chosen. */
export function inOrderOfNeed<U extends Counted>(uploads: readonly U[]): U[] {
  const need = ({ state }: U) =>
    state === "failed" || state === "refused" || state === "fileless" ? 0 : state === "done" ? 2 : 1;
  return uploads.toSorted((one, other) => need(one) - need(other));
}
