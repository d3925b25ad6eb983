/** What a line of uploads does next. */
import type { UploadState } from "./state";

/** An upload, as far as its place in the line is concerned. */
export interface InLine {
  readonly state: UploadState;
  /** Whether no other tab has it. */
  readonly isOurs: boolean;
  /** Whether the server is being told of it. */
  readonly isAnnouncing: boolean;
  /** Whether the server has said which parts it lacks. */
  readonly isAnnounced: boolean;
  /** Parts that the storage lacks and that nobody is sending. */
  readonly unsent: readonly number[];
}

/**
 * Files that are announced before their turn. So what cannot be a video is refused at once, and the others show in every list of videos. Not
 * all of them, because the server expects only so many at a time (docs/API.md, `too-many-uploads`).
 */
const MOST_AHEAD = 50;

/**
 * The part to send next, or nothing when all are on their way.
 *
 * Files go one after the other, because so each of them plays the sooner; the next one begins when there are more connections than the
 * ones before it have parts for.
 */
export function nextPart<U extends InLine>(line: Iterable<U>): { upload: U; part: number } | null {
  for (const upload of line) {
    const [part] = isGoing(upload) ? upload.unsent : [];
    if (part !== undefined) return { upload, part };
  }
  return null;
}

/** The upload to tell the server of next, one at a time; nothing when it knows of enough. */
export function nextToAnnounce<U extends InLine>(line: Iterable<U>): U | null {
  let announced = 0;
  for (const upload of line) {
    if (upload.isAnnouncing) return null;
    if (!isGoing(upload) || !upload.isOurs) continue;
    if (!upload.isAnnounced) return upload;
    if (++announced === MOST_AHEAD) return null;
  }
  return null;
}

function isGoing({ state }: InLine): boolean {
  return state === "waiting" || state === "sending";
}
