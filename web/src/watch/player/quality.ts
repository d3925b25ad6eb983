/** One of the rungs that can be played. */
export interface PlayableRung {
  width: number;
  height: number;
  /** Frames a second; 0 where the playlist does not tell. */
  frameRate: number;
  /** Bits a second at the peak. */
  bandwidth: number;
  /** As in the playlist: `avc1.64001f,mp4a.40.2`. */
  codecs: string;
}

/** `720p`, or `720p60` for much movement. Measured by the short side, as the encoding ladder is. */
export function rungName({ width, height, frameRate }: PlayableRung): string {
  const isFast = frameRate > 40;
  return `${Math.min(width, height)}p${isFast ? Math.round(frameRate) : ""}`;
}

/** A choice in the menu: a rung by its index, or `undefined` for automatic. */
export interface QualityChoice {
  rung: number | undefined;
  label: string;
  /** What is beside the label. */
  note: string;
}

/** The choices, the best first and automatic last. Two rungs of one name are told apart by their rates. */
export function qualityChoices(rungs: readonly PlayableRung[], playing: number | undefined): QualityChoice[] {
  const names = rungs.map(rungName);
  const choices = rungs.map((rung, index) => {
    const isAmbiguous = names.filter((name) => name === names[index]).length > 1;
    return { rung: index, label: names[index] ?? "", note: isAmbiguous ? bitRate(rung.bandwidth) : "" };
  });
  choices.sort((a, b) => size(rungs[b.rung]) - size(rungs[a.rung]));
  const now = playing === undefined ? undefined : names[playing];
  return [...choices, { rung: undefined, label: "Auto", note: now ?? "" }];
}

/** The first segment should be here in so many seconds, which nobody takes for waiting. */
const START_SECS = 0.4;

/** About so many seconds are in a segment of ours. */
const SEGMENT_SECS = 4;

/**
 * The rung to begin with: the best one whose first segment comes soon over a network of so many bits a second. The smallest when that is
 * unknown; what is measured with it decides about the next segment.
 */
export function startRung(rungs: readonly PlayableRung[], bitsPerSec = 0): number {
  const inTime = (rung: PlayableRung) => rung.bandwidth * SEGMENT_SECS <= bitsPerSec * START_SECS;
  const order = rungs.map((_, index) => index).sort((a, b) => size(rungs[a]) - size(rungs[b]));
  return order.findLast((index) => inTime(rungs[index] as PlayableRung)) ?? order[0] ?? 0;
}

function size(rung: PlayableRung | undefined): number {
  return rung?.bandwidth ?? 0;
}

/** `2.9 Mb/s`. */
export function bitRate(bitsPerSec: number): string {
  if (bitsPerSec < 1e6) return `${Math.round(bitsPerSec / 1e3)} kb/s`;
  return `${(bitsPerSec / 1e6).toFixed(bitsPerSec < 1e8 ? 1 : 0)} Mb/s`;
}
