/** One still of a storyboard: a rectangle of a sheet, for the times from `start` up to `end`. */
export interface Tile {
  start: number;
  end: number;
  /** Address of the sheet. */
  sheet: string;
  x: number;
  y: number;
  width: number;
  height: number;
}

const CUE = /^(\S+)\s+-->\s+(\S+).*\n(\S+)#xywh=(?:pixel:)?(\d+),(\d+),(\d+),(\d+)\s*$/;

/**
 * The tiles that a WebVTT file at `url` tells of: sheets are named relative to it, with the rectangle as a
 * [media fragment](https://www.w3.org/TR/media-frags/#naming-space). What is no such cue is passed over.
 */
export function parseStoryboard(text: string, url: string): Tile[] {
  const blocks = text.replace(/\r\n?/g, "\n").split(/\n{2,}/);
  return blocks.flatMap((block) => tileOf(block.trim(), url) ?? []).sort((a, b) => a.start - b.start);
}

/** The still nearest to `time`, unless `time` lies beyond what has been made so far. */
export function tileAt(tiles: readonly Tile[], time: number): Tile | undefined {
  let [low, high] = [0, tiles.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((tiles[middle]?.start ?? Infinity) <= time) low = middle + 1;
    else high = middle;
  }
  const tile = tiles[low - 1] ?? tiles[0];
  const isLast = low === tiles.length;
  // The last still may be said to end a little before the video does.
  return tile && isLast && time > tile.end + (tile.end - tile.start) / 2 ? undefined : tile;
}

function tileOf(block: string, url: string): Tile | undefined {
  // An identifier may stand before the times.
  const cue = CUE.exec(block) ?? CUE.exec(block.slice(block.indexOf("\n") + 1));
  if (!cue) return undefined;
  const [start, end] = [secsOf(cue[1]), secsOf(cue[2])];
  const [x, y, width, height] = cue.slice(4, 8).map(Number) as [number, number, number, number];
  const isUsable = Number.isFinite(start) && end > start && width > 0 && height > 0;
  if (!isUsable) return undefined;
  return { start, end, sheet: new URL(cue[3] ?? "", url).href, x, y, width, height };
}

/** Seconds of `00:01:20.500` or `01:20.500`. */
function secsOf(stamp = ""): number {
  return stamp.split(":").reduce((secs, part) => secs * 60 + Number(part), 0);
}
