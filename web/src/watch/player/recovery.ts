/** What stopped playback, as far as it matters for going on. */
export interface Failure {
  /** Where it happened: on the way here, or in decoding. */
  kind: "network" | "media" | "other";
  /** Status of the HTTP answer, where there was one. */
  status?: number | undefined;
}

/** What somebody who watches is told. `connection` mends itself; the others are for them to decide. */
export type Trouble = "connection" | "gone" | "broken" | "unsupported";

/** What to do about a failure: ask again later, reset the decoder, or tell what the matter is. */
export type Step =
  { do: "wait"; milliseconds: number } | { do: "reset-media" } | { do: "stop"; trouble: Trouble };

/** What has been tried since playback last went well. */
export interface Tries {
  waits: number;
  /** When the decoder was reset, in milliseconds. */
  resets: readonly number[];
}

/** Nothing has failed yet. */
export const NO_TRIES: Tries = { waits: 0, resets: [] };

const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 15_000;

/** A decoder that fails again so soon after it was reset fails for good. */
const RESET_HOLDS_MS = 10_000;
const MOST_RESETS = 2;

/** Answers that will be the same a moment later: what was there has been removed. */
const GONE: ReadonlySet<number> = new Set([404, 410]);

/** How to go on after a failure that the engine could not get over by itself. */
export function stepAfter(failure: Failure, tries: Tries, now: number): Step {
  if (failure.kind === "network") {
    if (GONE.has(failure.status ?? 0)) return { do: "stop", trouble: "gone" };
    return { do: "wait", milliseconds: Math.min(FIRST_WAIT_MS * 2 ** tries.waits, LONGEST_WAIT_MS) };
  }
  const recent = tries.resets.filter((then) => now - then < RESET_HOLDS_MS);
  const mayReset = failure.kind === "media" && recent.length < MOST_RESETS;
  return mayReset ? { do: "reset-media" } : { do: "stop", trouble: "broken" };
}

/** `tries` with this step. */
export function withStep(tries: Tries, step: Step, now: number): Tries {
  if (step.do === "wait") return { ...tries, waits: tries.waits + 1 };
  if (step.do === "reset-media") return { ...tries, resets: [...tries.resets, now] };
  return tries;
}
