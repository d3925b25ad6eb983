import { hasMediaSource } from "../media-source";
import type { PlayableRung } from "./quality";
import type { Trouble } from "./recovery";

/** What plays a stream in a media element: hls.js, or the browser itself. */
export interface Engine {
  /** Begins to fetch what is to be played, if it did not begin by itself. */
  load(): void;
  /** Plays this rung from now on, or the one that fits best. */
  choose(rung: number | undefined): void;
  /** Tries at once what else would be tried later. */
  retry(): void;
  /** Expected bits a second of the network; `undefined` where nobody tells. */
  bandwidth(): number | undefined;
  destroy(): void;
}

/** What an engine tells of. */
export interface EngineListener {
  /** What can be chosen from; none where the browser chooses by itself. */
  rungs(rungs: PlayableRung[]): void;
  /** Which of them is on the screen. */
  shows(rung: number): void;
  /** Up to where it plays, in seconds, and whether that is all. */
  reaches(edge: number, complete: boolean): void;
  /** What the matter is, or that all is well. */
  trouble(trouble: Trouble | undefined): void;
}

/** What to play, and from where. */
export interface Source {
  /** Address of the multivariant playlist. */
  url: string;
  /** Seconds from its start. */
  startAt: number;
  /** Whether to fetch before anybody plays it. */
  isEager: boolean;
  /** Bits a second to expect until something has been measured. */
  bandwidth: number | undefined;
}

/**
 * The engine for this browser. hls.js goes first wherever it can: browsers that could play HLS by themselves let nobody choose a rung,
 * tell less of how it goes, and begin a playlist that still grows at its end. AirPlay is lost by it: it takes only what they fetch themselves.
 */
export async function startEngine(
  video: HTMLVideoElement,
  source: Source,
  listener: EngineListener,
): Promise<Engine | undefined> {
  if (hasMediaSource()) {
    const { startHlsJs } = await import("./hlsjs-engine");
    const engine = startHlsJs(video, source, listener);
    if (engine) return engine;
  }
  const { startNative } = await import("./native-engine");
  return startNative(video, source, listener);
}
