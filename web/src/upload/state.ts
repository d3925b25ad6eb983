/**
 * Where an upload is on this page.
 *
 * - `waiting`: its turn has not come
 * - `sending`: its parts go
 * - `completing`: all of it is there; the server checks it and joins the parts
 * - `done`: it is a video now
 * - `paused`: by the user
 * - `failed`: it stopped, and trying again may help
 * - `refused`: it cannot become a video
 * - `fileless`: it was begun earlier, and its file must be opened again
 * - `elsewhere`: another tab has it
 * - `cancelled`: it will be deleted, unless the user thinks better of it
 */
export type UploadState = keyof typeof NEXT;

/** Which states follow which. */
const NEXT = {
  waiting: [
    "sending",
    "completing",
    "done",
    "paused",
    "failed",
    "refused",
    "elsewhere",
    "fileless",
    "cancelled",
  ],
  sending: ["waiting", "completing", "done", "paused", "failed", "refused", "fileless", "cancelled"],
  completing: ["waiting", "sending", "done", "paused", "failed", "refused", "fileless", "cancelled"],
  done: [],
  paused: ["waiting", "fileless", "elsewhere", "cancelled"],
  failed: ["waiting", "fileless", "elsewhere", "cancelled"],
  refused: [],
  fileless: ["waiting", "elsewhere", "cancelled"],
  elsewhere: ["waiting", "fileless", "paused", "done"],
  cancelled: ["waiting", "paused", "failed", "fileless", "elsewhere"],
} as const;

/** All of them. */
export const STATES = Object.keys(NEXT) as readonly UploadState[];

/** Whether an upload may move from one state to another. */
export function canBecome(from: UploadState, to: UploadState): boolean {
  return (NEXT[from] as readonly string[]).includes(to);
}

/** What a user can do to an upload. */
export type UploadAction =
  "pause" | "resume" | "retry" | "continue" | "choose" | "cancel" | "undo" | "dismiss";

const ACTIONS: Readonly<Record<UploadState, readonly UploadAction[]>> = {
  waiting: ["pause", "cancel"],
  sending: ["pause", "cancel"],
  completing: ["cancel"],
  done: ["dismiss"],
  paused: ["resume", "cancel"],
  failed: ["retry", "cancel"],
  refused: ["dismiss"],
  fileless: ["choose", "cancel"],
  elsewhere: [],
  cancelled: ["undo"],
};

/** What a user can do now, the likeliest first. A file with a handle need not be chosen again. */
export function actionsOf({
  state,
  handle,
}: {
  readonly state: UploadState;
  readonly handle: unknown;
}): readonly UploadAction[] {
  return state === "fileless" && handle ? ["continue", "cancel"] : ACTIONS[state];
}

/** Whether it stands still until a user does something, so that another tab may have it that is given its file. */
export function standsStill(state: UploadState | undefined): boolean {
  return state === "paused" || state === "failed" || state === "fileless" || state === "cancelled";
}

/** Whether closing the page would interrupt something. */
export function isUnderWay(state: UploadState): boolean {
  return state === "waiting" || state === "sending" || state === "completing";
}
