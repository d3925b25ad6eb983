/** What a line of uploads does next. */
import type { UploadState } from "./state";

/** An upload, as far as its place in the line is concerned. */
export interface InLine {
  readonly state: UploadState;
  /** Whether its first request has not been answered. */
  readonly isAnnouncing: boolean;
  /** Parts that the storage lacks and that nobody is sending. */
  readonly unsent: readonly number[];
}

/** The next thing to do. */
export type Step<U> = { readonly announce: U } | { readonly send: U; readonly part: number };

/**
 * The next step, or nothing when all is on its way.
 *
 * Files go one after the other, because so each of them plays the sooner; the next one begins when there are more connections than the
 * ones before it have parts for.
 */
export function nextStep<U extends InLine>(line: Iterable<U>): Step<U> | null {
  for (const upload of line) {
    if (upload.state === "waiting") return { announce: upload };
    if (upload.state !== "sending" || upload.isAnnouncing) continue;
    const [part] = upload.unsent;
    if (part !== undefined) return { send: upload, part };
  }
  return null;
}
