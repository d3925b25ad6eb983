// Makes what the browser plays: a source whose picture tells its time, and a CMAF and an MPEG-TS
// package of it. Run by `npm test` before the tests; STREAMFORGE names the program to test.

import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import path from "node:path";

const repository = fileURLToPath(new URL("../..", import.meta.url));

/** Made anew by every run and kept after it, so that a failure can be looked at. */
export const mediaDir = path.join(repository, "target", "browser-test");

/** Three whole 4 s segments and a short last one. */
const SOURCE_SECONDS = 14;

/** The top quarter of the picture shows the current second as four bits, lowest first: white is 1. */
function clockFilter() {
  const bit = (index) =>
    `drawbox=x=iw*${index}/4:w=iw/4:h=ih/4:color=white:t=fill` +
    `:enable='gte(mod(t,${2 << index}),${1 << index})'`;
  return ["drawbox=h=ih/4:color=black:t=fill", bit(0), bit(1), bit(2), bit(3)].join(",");
}

function makeSource(file) {
  const size = "testsrc2=size=1920x1080:rate=30";
  run("ffmpeg", [
    ...["-hide_banner", "-nostdin", "-v", "error", "-y"],
    ...["-f", "lavfi", "-i", `${size}:duration=${SOURCE_SECONDS},${clockFilter()}`],
    ...["-f", "lavfi", "-i", `sine=frequency=440:sample_rate=48000:duration=${SOURCE_SECONDS}`],
    ...["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "aac", file],
  ]);
}

function run(program, args) {
  execFileSync(program, args, { stdio: ["ignore", "inherit", "inherit"] });
}

function main() {
  const streamforge =
    process.env.STREAMFORGE ?? path.join(repository, "target", "debug", "streamforge");
  const source = path.join(mediaDir, "source.mp4");
  rmSync(mediaDir, { recursive: true, force: true });
  mkdirSync(mediaDir, { recursive: true });
  makeSource(source);
  for (const format of ["cmaf", "mpegts"]) {
    const output = path.join(mediaDir, format);
    run(streamforge, ["transcode", source, "-o", output, "--segment-format", format]);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  main();
}
