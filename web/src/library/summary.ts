import type { Rung, Video } from "../api/client";
import { STATUS_WORDS } from "../api/video";
import { percent, progressWords } from "../ui/words";
import type { LocalUpload } from "../upload/uploads.svelte";

/** How a video stands, ready to be shown. */
export interface Summary {
  /** One or two words. */
  label: string;
  tone: "neutral" | "working" | "success" | "danger";
  /** How far it is, 0 to 1, when anybody knows; `unknown` while something happens of which nobody does. */
  share: number | "unknown" | undefined;
  /** What there is to say besides. */
  note: string | undefined;
  /** The rungs that are being encoded. */
  rungs: readonly Rung[];
}

/** What counts of an upload of this page. */
export type UploadNow = Pick<LocalUpload, "state" | "sentBytes" | "sizeBytes" | "etaSecs">;

/** How a video stands. `upload` is known when it comes from this very page. */
export function summarize(video: Video, upload: UploadNow | undefined): Summary {
  const nothing = { label: STATUS_WORDS[video.status], share: undefined, note: undefined, rungs: [] };
  switch (video.status) {
    case "uploading":
      return upload ? uploadingHere(upload) : { ...nothing, tone: "neutral", note: "from another page" };
    case "queued":
      return { ...nothing, tone: "neutral", note: "Waiting its turn" };
    case "processing":
      return processing(video);
    case "ready":
      return { ...nothing, tone: "success", note: pictures(video) };
    case "failed":
      return { ...nothing, tone: "danger" };
  }
}

const UPLOAD_STATES: Record<LocalUpload["state"], Pick<Summary, "label" | "tone">> = {
  waiting: { label: "Waiting to upload", tone: "neutral" },
  sending: { label: "Uploading", tone: "working" },
  paused: { label: "Upload paused", tone: "neutral" },
  elsewhere: { label: "Uploading in another tab", tone: "neutral" },
  fileless: { label: "Upload interrupted", tone: "neutral" },
  completing: { label: "Finishing upload", tone: "working" },
  done: { label: "Uploaded", tone: "neutral" },
  failed: { label: "Upload stopped", tone: "danger" },
  refused: { label: "Not accepted", tone: "danger" },
  cancelled: { label: "Upload cancelled", tone: "neutral" },
};

function uploadingHere({ state, sentBytes, sizeBytes, etaSecs }: UploadNow): Summary {
  const share = sizeBytes > 0 ? sentBytes / sizeBytes : 0;
  const note = progressWords(share, state === "sending" ? etaSecs : undefined);
  return { ...UPLOAD_STATES[state], share, note, rungs: [] };
}

function processing({ progress, playable }: Video): Summary {
  const label = playable ? "Plays, still processing" : STATUS_WORDS.processing;
  if (!progress) return { label, tone: "working", share: "unknown", note: undefined, rungs: [] };
  const share = progress.percent / 100;
  const isTroubled = progress.failing.length > 0;
  const note = isTroubled
    ? `${percent(share)} · trying a part again`
    : progressWords(share, progress.eta_secs);
  return { label, tone: "working", share, note, rungs: progress.rungs };
}

function pictures({ width, height }: Video): string | undefined {
  return width && height ? `${width} × ${height}` : undefined;
}

/** How far a rung is, 0 to 1. */
export function rungShare({ segments, segments_done: done }: Rung): number {
  return segments > 0 ? Math.min(done / segments, 1) : 0;
}
