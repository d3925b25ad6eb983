import { bitRate, type PlayableRung, rungName } from "./quality";

/** What is measured of a playback. */
export interface Sample {
  rung: PlayableRung | undefined;
  isChosen: boolean;
  /** Size of the decoded picture and of its place on the screen, in pixels. */
  picture: [width: number, height: number];
  screen: [width: number, height: number];
  /** Seconds that are buffered from here on. */
  ahead: number;
  dropped: number;
  frames: number;
  bandwidth: number | undefined;
}

/** One line of the statistics. */
export type Line = readonly [name: string, value: string];

/** The statistics as they are shown. */
export function linesOf(sample: Sample): Line[] {
  const { rung, isChosen, dropped, frames, bandwidth } = sample;
  const size = ([width, height]: [number, number]) => `${Math.round(width)} × ${Math.round(height)}`;
  return [
    ["Rung", rung ? `${rungName(rung)}, ${isChosen ? "chosen" : "automatic"}` : "chosen by the browser"],
    ["Picture", `${size(sample.picture)} on ${size(sample.screen)}`],
    ["Codecs", rung?.codecs.replaceAll(",", ", ") || "unknown"],
    ["Rate", rung ? `${bitRate(rung.bandwidth)} at most${frameRate(rung)}` : "unknown"],
    ["Buffer", `${sample.ahead.toFixed(1)} s ahead`],
    ["Frames", `${dropped} dropped of ${frames}`],
    ["Network", bandwidth ? bitRate(bandwidth) : "unknown"],
  ];
}

/** Seconds that are buffered from `time` on without a gap. */
export function aheadOf(buffered: readonly (readonly number[])[], time: number): number {
  const range = buffered.find(([start = 0, end = 0]) => start <= time + 0.1 && time < end);
  return range ? (range[1] ?? time) - time : 0;
}

function frameRate({ frameRate }: PlayableRung): string {
  return frameRate > 0 ? `, ${Number(frameRate.toFixed(2))} fps` : "";
}
