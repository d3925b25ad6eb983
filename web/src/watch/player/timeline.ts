// A video that is still being processed has a known length, and plays up to an edge that moves. Times are in seconds.

/** What can be played of a video by now. */
export interface Timeline {
  /** Length of the whole: as measured once it is complete, as announced before. */
  duration: number;
  /** Up to where it plays. */
  edge: number;
  /** Whether nothing more comes. */
  complete: boolean;
}

/** So much must lie before the edge for a seek to find a picture there. */
const MARGIN_SECS = 0.5;

/** The timeline of a video whose record says `announced` and whose playlist reaches to `edge`. */
export function timelineOf(announced: number | null | undefined, edge: number, complete: boolean): Timeline {
  return { duration: complete ? edge : Math.max(announced ?? 0, edge), edge, complete };
}

/** Whether `time` plays, or is only going to. */
export function isPlayable(timeline: Timeline, time: number): boolean {
  return timeline.complete || time <= timeline.edge - MARGIN_SECS;
}

/** Whether `time` is still to be processed: playback there can only wait. Nobody knows before it is known how far the video reaches. */
export function isPending(timeline: Timeline, time: number): boolean {
  return !timeline.complete && timeline.edge > 0 && !isPlayable(timeline, time);
}

/** `time`, or the end of the video that is nearest to it. */
export function within(timeline: Timeline, time: number): number {
  return Math.min(Math.max(time, 0), timeline.duration);
}

/** Where `time` is on a bar: 0 at its left end, 1 at its right one. */
export function shareAt(timeline: Timeline, time: number): number {
  return timeline.duration > 0 ? within(timeline, time) / timeline.duration : 0;
}

/** Which time is at `share` of a bar. */
export function timeAt(timeline: Timeline, share: number): number {
  return Math.min(Math.max(share, 0), 1) * timeline.duration;
}
