// The little that the tests themselves must know of HLS playlists (RFC 8216).

import { promises as fs } from "node:fs";
import path from "node:path";

/** The `EXTINF` durations of the first variant stream of the package in `dir`, in seconds. */
export async function segmentDurations(dir) {
  const multivariant = await fs.readFile(path.join(dir, "master.m3u8"), "utf8");
  const [, uri] = /^#EXT-X-STREAM-INF:.*\n(.+)$/m.exec(multivariant);
  const media = await fs.readFile(path.join(dir, uri), "utf8");
  return [...media.matchAll(/^#EXTINF:([\d.]+)/gm)].map(([, seconds]) => Number(seconds));
}

/** How long the first variant stream of the package in `dir` is, in seconds. */
export async function playlistSeconds(dir) {
  const durations = await segmentDurations(dir);
  return durations.reduce((sum, seconds) => sum + seconds, 0);
}
