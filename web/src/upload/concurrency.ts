/**
 * How many parts are sent at a time, of all files together.
 *
 * One more is tried now and then, and stays when more bytes per second went by it; one less is tried, and stays when hardly fewer did. So a thin
 * link has few parts on their way, of which a cut costs little, and a long fat one as many as add something. Trouble halves them.
 */

/** More connections than this a browser does not open to one server by HTTP/1.1, which is what S3 speaks; others would wait within it. */
export const MOST = 6;

/** While one part is being announced, the other fills the link. */
export const FEWEST = 2;

/** Bytes that fill buffers on the way are not through: what comes this soon after a change is not counted. */
const SETTLING_MS = 1_500;

/** How long is measured. */
const MEASURING_MS = 3_000;

/** One more must bring this much more, for less is noise. */
const GAIN = 1.08;

/** One less may cost this much. */
const LOSS = 0.96;

/** How long it is left as it is once neither helps. Links change. */
const HOLDING_MS = 60_000;

/** And after trouble. */
const RECOVERING_MS = 10_000;

/** What is known of the link. Times are in milliseconds. */
export interface Concurrency {
  /** Parts at a time. */
  readonly limit: number;
  /** What is tried, if something is: the limit before it, and the bytes per second then. */
  readonly trial: { readonly instead: number; readonly rate: number } | null;
  /** What to try next. */
  readonly next: "more" | "fewer";
  /** Nothing is measured before this time. */
  readonly measureFrom: number;
  /** What has been sent when measuring began, if it has begun. */
  readonly measuredFrom: { readonly at: number; readonly bytes: number } | null;
}

/** What is looked at. */
export interface Observation {
  readonly now: number;
  /** A counter of all bytes that were sent. */
  readonly bytes: number;
  /** Whether as many parts were on their way as may be: idle connections tell nothing. */
  readonly isBusy: boolean;
}

/** Where sending begins. */
export function begin(now: number): Concurrency {
  return { limit: FEWEST, trial: null, next: "more", measureFrom: now + SETTLING_MS, measuredFrom: null };
}

/** What follows from an observation. */
export function observe(state: Concurrency, { now, bytes, isBusy }: Observation): Concurrency {
  if (!isBusy)
    return { ...state, measuredFrom: null, measureFrom: Math.max(state.measureFrom, now + SETTLING_MS) };
  if (now < state.measureFrom) return state;
  const from = state.measuredFrom;
  if (from === null) return { ...state, measuredFrom: { at: now, bytes } };
  const elapsed = now - from.at;
  return elapsed < MEASURING_MS ? state : judge(state, ((bytes - from.bytes) * 1000) / elapsed, now);
}

/** What follows from a part that got lost, or that the storage had no time for. */
export function afterTrouble(state: Concurrency, now: number): Concurrency {
  return settle(
    { ...state, trial: null, next: "more" },
    Math.max(1, Math.floor(state.limit / 2)),
    now + RECOVERING_MS,
  );
}

/** Decides with `rate` bytes per second whether what is tried stays, and what is tried next. */
function judge(state: Concurrency, rate: number, now: number): Concurrency {
  const { limit, trial, next } = state;
  if (trial === null) return tryNext(state, rate, now);
  const stays = rate >= trial.rate * (limit > trial.instead ? GAIN : LOSS);
  if (stays) return tryNext({ ...state, trial: null }, rate, now);
  const back: Concurrency = { ...state, trial: null, next: next === "more" ? "fewer" : "more" };
  return settle(back, trial.instead, next === "more" ? now : now + HOLDING_MS);
}

function tryNext(state: Concurrency, rate: number, now: number): Concurrency {
  const { limit, next } = state;
  const tried = Math.min(MOST, Math.max(FEWEST, limit + (next === "more" ? 1 : -1)));
  if (tried !== limit) return settle({ ...state, trial: { instead: limit, rate } }, tried, now);
  const other = next === "more" ? "fewer" : "more";
  return settle({ ...state, next: other }, limit, next === "more" ? now : now + HOLDING_MS);
}

function settle(state: Concurrency, limit: number, from: number): Concurrency {
  return { ...state, limit, measureFrom: from + SETTLING_MS, measuredFrom: null };
}
