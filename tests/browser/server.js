// A static server on loopback that behaves as a CDN does for players: types, byte ranges, CORS.

import { createReadStream, promises as fs } from "node:fs";
import { createServer } from "node:http";
import path from "node:path";

const TYPES = {
  ".jpg": "image/jpeg",
  ".m3u8": "application/vnd.apple.mpegurl",
  ".m4s": "video/iso.segment",
  ".mp4": "video/mp4",
  ".mpd": "application/dash+xml",
  ".ts": "video/mp2t",
  ".vtt": "text/vtt",
};

/** The address a test opens before it loads a player into the page. */
const BLANK_PAGE = "<!doctype html><title>player</title>";

/**
 * Serves the files under `root`.
 *
 * @param {string} root
 * @param {(playlist: string) => string} [rewritePlaylist] applied to every `.m3u8` served
 * @returns {Promise<{origin: string, refused: string[], close: () => Promise<void>}>} `refused` lists
 *   the requests that were answered with an error, such as a segment named but not there
 */
export async function serve(root, rewritePlaylist) {
  const refused = [];
  const server = createServer((request, response) => {
    respond(root, rewritePlaylist, request, response).catch((error) => {
      refused.push(`${request.method} ${request.url}: ${error.message}`);
      response.writeHead(error.status ?? 404).end();
    });
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const close = () => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  };
  return { origin: `http://127.0.0.1:${server.address().port}`, refused, close };
}

async function respond(root, rewritePlaylist, request, response) {
  const { pathname } = new URL(request.url, "http://localhost");
  if (pathname === "/") {
    response.writeHead(200, { "content-type": "text/html" }).end(BLANK_PAGE);
    return;
  }
  if (pathname === "/favicon.ico") {
    response.writeHead(204).end();
    return;
  }
  // Normalizing an absolute path leaves no `..` that could climb out of `root`.
  const file = path.join(root, path.posix.normalize(decodeURIComponent(pathname)));
  const headers = {
    "access-control-allow-origin": "*",
    "cache-control": "no-store",
    "content-type": TYPES[path.extname(file)] ?? "application/octet-stream",
  };
  if (rewritePlaylist && file.endsWith(".m3u8")) {
    const playlist = rewritePlaylist(await fs.readFile(file, "utf8"));
    response.writeHead(200, headers).end(playlist);
    return;
  }
  const { size } = await fs.stat(file);
  headers["accept-ranges"] = "bytes";
  const range = parseRange(request.headers.range, size);
  if (range) {
    headers["content-range"] = `bytes ${range.start}-${range.end}/${size}`;
  }
  const { start, end } = range ?? { start: 0, end: size - 1 };
  response.writeHead(range ? 206 : 200, { ...headers, "content-length": end - start + 1 });
  createReadStream(file, { start, end }).pipe(response);
}

/** One `bytes=first-last` range, both inclusive; `undefined` when the whole file is asked for. */
function parseRange(header, size) {
  if (!header) {
    return undefined;
  }
  const [, first, last] = /^bytes=(\d*)-(\d*)$/.exec(header) ?? [];
  const start = first ? Number(first) : size - Number(last);
  const end = first && last ? Math.min(Number(last), size - 1) : size - 1;
  if (!(start >= 0 && start <= end)) {
    throw Object.assign(new Error(`bad range "${header}" of ${size} bytes`), { status: 416 });
  }
  return { start, end };
}
