// Makes what the browser plays: a source whose picture tells its time, and a CMAF and an MPEG-TS
// package of it. Run by `npm test` before the tests; STREAMFORGE names the program to test.

import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import path from "node:path";

const repository = fileURLToPath(new URL("../..", import.meta.url));

/** Made anew by every run and kept after it, so that a failure can be looked at. */
export const mediaDir = path.join(repository, "target", "browser-test");

/** The program under test. */
export const streamforge =
  process.env.STREAMFORGE ?? path.join(repository, "target", "debug", "streamforge");

const sourceFile = path.join(mediaDir, "source.mp4");

/** Three whole 4 s segments and a short last one. */
const SOURCE_SECONDS = 14;

/** The top quarter of the picture shows the current second as four bits, lowest first: white is 1. */
function clockFilter() {
  const bit = (index) =>
    `drawbox=x=iw*${index}/4:w=iw/4:h=ih/4:color=white:t=fill` +
    `:enable='gte(mod(t,${2 << index}),${1 << index})'`;
  return ["drawbox=h=ih/4:color=black:t=fill", bit(0), bit(1), bit(2), bit(3)].join(",");
}

function makeSource() {
  const picture = `testsrc2=size=1920x1080:rate=30:duration=${SOURCE_SECONDS},${clockFilter()}`;
  const sound = `sine=frequency=440:sample_rate=48000:duration=${SOURCE_SECONDS}`;
  run("ffmpeg", [
    ...["-hide_banner", "-nostdin", "-v", "error", "-y"],
    ...["-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", sound],
    ...["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "aac"],
    sourceFile,
  ]);
}

/** Arguments that make `streamforge` write a package of the source to `outputDir`. */
export function transcodeArgs(outputDir, ...options) {
  return ["transcode", sourceFile, "-o", outputDir, ...options];
}

function run(program, args) {
  execFileSync(program, args, { stdio: ["ignore", "inherit", "inherit"] });
}

function main() {
  rmSync(mediaDir, { recursive: true, force: true });
  mkdirSync(mediaDir, { recursive: true });
  makeSource();
  for (const format of ["cmaf", "mpegts"]) {
    run(streamforge, transcodeArgs(path.join(mediaDir, format), "--segment-format", format));
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  main();
}
