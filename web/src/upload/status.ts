/** What is said of one upload, in its row. */
import type { Video } from "../api/client";
import { sentence } from "../api/errors";
import { bytes, percent, timeLeft } from "../ui/words";
import type { UploadState } from "./state";

/** What there is to say something of. */
export interface Told {
  readonly state: UploadState;
  readonly sizeBytes: number;
  readonly sentBytes: number;
  /** 0 to 1. */
  readonly share: number;
  readonly speed: number | undefined;
  readonly etaSecs: number | undefined;
  readonly message: string | undefined;
  /** How it stands in the tab that has it. */
  readonly there: UploadState | undefined;
  /** Opens the file without choosing it. */
  readonly handle: unknown;
}

/** A sentence or a few words, and whether something is wrong. */
export interface Status {
  readonly text: string;
  readonly tone: "muted" | "danger" | "success";
}

/** How an upload stands. `video` is what became of it, where that is known. */
export function statusOf(upload: Told, video: Video | undefined): Status {
  const { state, message, sizeBytes, sentBytes } = upload;
  const share = percent(upload.share);
  switch (state) {
    case "waiting":
    case "sending":
      if (sentBytes === 0)
        return muted(`${bytes(sizeBytes)}, ${state === "waiting" ? "waiting" : "starting"}`);
      return muted(pace(upload));
    case "completing":
      return muted("Checking what arrived");
    case "done":
      return ended(video);
    case "paused":
      return muted(`Paused at ${share}`);
    case "failed":
    case "refused":
      return { text: message ?? "It failed.", tone: "danger" };
    case "fileless": {
      const what = sentBytes > 0 ? "the rest" : "it";
      const rest = upload.handle ? `Continue to send ${what}.` : `Choose the file again to send ${what}.`;
      return message
        ? { text: `${message} ${rest}`, tone: "danger" }
        : muted(`Interrupted at ${share}. ${rest}`);
    }
    case "elsewhere":
      return muted(inAnotherTab(upload.there, share));
    case "cancelled":
      return muted("Cancelled");
  }
}

/** Whether there is something to measure. */
export function hasProgress({ state, sentBytes }: Told): boolean {
  if (state === "sending" || state === "completing") return true;
  return (
    sentBytes > 0 &&
    (state === "waiting" || state === "paused" || state === "fileless" || state === "elsewhere")
  );
}

function ended(video: Video | undefined): Status {
  if (video?.status === "failed")
    return { text: sentence(video.failure?.message ?? "it could not be processed"), tone: "danger" };
  if (video?.status === "ready") return { text: "Ready", tone: "success" };
  if (video?.playable) return { text: "Uploaded, plays already", tone: "success" };
  return { text: video?.status === "processing" ? "Uploaded, being processed" : "Uploaded", tone: "success" };
}

function inAnotherTab(there: UploadState | undefined, share: string): string {
  if (there === "cancelled") return "Cancelled in another tab";
  if (there === "paused") return `Paused in another tab, ${share}. Go on there, or drop the file here.`;
  if (there === "failed") return `Failed in another tab, ${share}. Try again there, or drop the file here.`;
  if (there === "fileless") return `Interrupted at ${share}. Drop the file here to send the rest.`;
  return `Another tab is sending it, ${share}`;
}

/** `1.2 of 4.8 GB, 12.3 MB/s, 5 min left` */
function pace(upload: Told): string {
  const { speed, etaSecs } = upload;
  const parts = [amount(upload)];
  if (speed) parts.push(`${bytes(speed)}/s`);
  if (etaSecs !== undefined) parts.push(timeLeft(etaSecs));
  return parts.join(" · ");
}

/** `1.2 of 4.8 GB` */
function amount({ sentBytes, sizeBytes }: Told): string {
  const [sent, all] = [bytes(sentBytes), bytes(sizeBytes)];
  const unit = all.slice(all.indexOf(" "));
  return `${sent.endsWith(unit) ? sent.slice(0, -unit.length) : sent} of ${all}`;
}

function muted(text: string): Status {
  return { text, tone: "muted" };
}
