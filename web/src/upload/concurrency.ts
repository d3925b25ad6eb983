/**
 * How many parts are sent at a time, of all files together.
 *
 * One more is tried now and then. It stays when the bytes per second rose with it, and goes again when they did not: on a thin link a few
 * parts fill it, and each one less is one that a cut does not cost; on a long fat one each connection adds its share. Trouble halves them.
 */

/** More connections than this a browser does not open to one server by HTTP/1.1, which is what S3 speaks; others would wait within it. */
export const MOST = 6;

const FIRST = 3;

/** Bytes that fill buffers on the way are not through: what comes this soon after a change is not counted. */
const SETTLING_MS = 2_000;

/** How long is measured. */
const MEASURING_MS = 4_000;

/** Less than this is noise. */
const WORTHWHILE = 1.08;

/** How long it is left as it is, after one more did not help. Links change. */
const HOLDING_MS = 30_000;

/** And after trouble. */
const RECOVERING_MS = 10_000;

/** What is known of the link. Times are in milliseconds of any steady clock. */
export interface Concurrency {
  /** Parts at a time. */
  readonly limit: number;
  /** Bytes per second before the last step up; none when there was no such step to judge. */
  readonly before: number | null;
  /** Nothing is measured before this time. */
  readonly measureFrom: number;
  /** Bytes there were then; none before the first look. */
  readonly measuredFrom: { readonly at: number; readonly bytes: number } | null;
}

/** Where sending begins at time `now`. */
export function begin(now: number): Concurrency {
  return { limit: FIRST, before: null, measureFrom: now + SETTLING_MS, measuredFrom: null };
}

/**
 * What follows from `bytes`, a counter of all that has been sent, standing so at time `now`.
 *
 * `isBusy` says that as many parts were being sent as may be: bytes of idle connections tell nothing.
 */
export function observe(
  state: Concurrency,
  { now, bytes, isBusy }: { now: number; bytes: number; isBusy: boolean },
): Concurrency {
  if (!isBusy)
    return { ...state, measuredFrom: null, measureFrom: Math.max(state.measureFrom, now + SETTLING_MS) };
  if (now < state.measureFrom) return state;
  const from = state.measuredFrom;
  if (from === null) return { ...state, measuredFrom: { at: now, bytes } };
  const elapsed = now - from.at;
  if (elapsed < MEASURING_MS) return state;

  const rate = ((bytes - from.bytes) * 1000) / elapsed;
  if (state.before !== null && rate < state.before * WORTHWHILE)
    return change(state, state.limit - 1, null, now + HOLDING_MS);
  if (state.limit < MOST) return change(state, state.limit + 1, rate, now);
  return change(state, MOST, null, now + HOLDING_MS);
}

/** What follows from a part that got lost or that the storage had no time for. */
export function afterTrouble(state: Concurrency, now: number): Concurrency {
  return change(state, Math.floor(state.limit / 2), null, now + RECOVERING_MS);
}

function change(state: Concurrency, limit: number, before: number | null, settleFrom: number): Concurrency {
  return {
    ...state,
    limit: Math.max(1, limit),
    before,
    measureFrom: settleFrom + SETTLING_MS,
    measuredFrom: null,
  };
}
