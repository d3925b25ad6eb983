// The little that the tests themselves must know of HLS playlists (RFC 8216).

import { promises as fs } from "node:fs";
import path from "node:path";

/** Sum of the `EXTINF` durations of the first variant stream of the package in `dir`, in seconds. */
export async function playlistSeconds(dir) {
  const multivariant = await fs.readFile(path.join(dir, "master.m3u8"), "utf8");
  const [, uri] = /^#EXT-X-STREAM-INF:.*\n(.+)$/m.exec(multivariant);
  const media = await fs.readFile(path.join(dir, uri), "utf8");
  const durations = [...media.matchAll(/^#EXTINF:([\d.]+)/gm)];
  return durations.reduce((sum, [, seconds]) => sum + Number(seconds), 0);
}
