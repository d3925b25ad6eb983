/** A tap on the picture by a finger. */
export interface Tap {
  /** In milliseconds. */
  at: number;
  /** 0 at the left edge of the picture, 1 at the right one. */
  share: number;
}

/** What a tap means: showing or hiding the controls, or skipping by a second tap at a side. */
export type TapMeaning = { do: "controls" } | { do: "skip"; secs: number };

/** Two taps within so much time are one gesture. */
const DOUBLE_MS = 300;

/** So much of the picture at each side skips. */
const SIDE = 1 / 3;

const SKIP_SECS = 10;

/** What a tap means after the one before. */
export function meaningOf(tap: Tap, before: Tap | undefined): TapMeaning {
  const isDouble = before !== undefined && tap.at - before.at < DOUBLE_MS;
  if (isDouble && tap.share < SIDE && before.share < SIDE) return { do: "skip", secs: -SKIP_SECS };
  if (isDouble && tap.share > 1 - SIDE && before.share > 1 - SIDE) return { do: "skip", secs: SKIP_SECS };
  return { do: "controls" };
}
