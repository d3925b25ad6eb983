/** How fast bytes go, and how long the rest will take. */

/** What is older than this tells nothing about now. */
const WINDOW_MS = 12_000;

/** A shorter time tells nothing at all. */
const SHORTEST_MS = 1_500;

interface Sample {
  readonly at: number;
  readonly bytes: number;
}

/** The last seconds of a counter of bytes. */
export type Samples = readonly Sample[];

/** The samples with one more: `bytes` in all at time `at` in milliseconds. */
export function sample(samples: Samples, at: number, bytes: number): Samples {
  const since = at - WINDOW_MS;
  // One of before the window stays, so that the window is full.
  const first = samples.findIndex((_, index) => (samples[index + 1]?.at ?? Infinity) > since);
  return [...samples.slice(Math.max(0, first)), { at, bytes }];
}

/** Bytes per second, or nothing while too little is known. */
export function speedOf(samples: Samples): number | null {
  const [first, last] = [samples[0], samples.at(-1)];
  if (!first || !last || last.at - first.at < SHORTEST_MS) return null;
  return ((last.bytes - first.bytes) * 1000) / (last.at - first.at);
}

/** Seconds until `bytes` have gone, or nothing when that cannot be told. */
export function secondsLeft(bytes: number, speed: number | null): number | null {
  return speed === null || speed <= 0 ? null : bytes / speed;
}
