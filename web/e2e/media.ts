// Test media, made by FFmpeg once and kept under the folder of temporary files; never committed.

import { execFile } from "node:child_process";
import { access, mkdir, rename } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const FOLDER = path.join(tmpdir(), "streamforge-web-media");

/** What a clip is made of. */
export interface Clip {
  secs: number;
  /** Such as `640x360`. */
  size?: string;
  /** Such as a burnt-in clock, which shows where one is; otherwise a test picture. */
  picture?: "testsrc2" | "mandelbrot" | "gradients";
  sound?: boolean;
  fps?: number;
}

/** The path of a clip. Made when it is not there yet. */
export async function clip({
  secs,
  size = "640x360",
  picture = "testsrc2",
  sound = true,
  fps = 30,
}: Clip): Promise<string> {
  const file = path.join(FOLDER, `${picture}-${size}-${fps}fps-${secs}s${sound ? "" : "-silent"}.mp4`);
  if (await exists(file)) return file;
  await mkdir(FOLDER, { recursive: true });
  const making = `${file}.${process.pid}.mp4`;
  const tone = ["-f", "lavfi", "-i", `sine=frequency=330:duration=${secs}`, "-c:a", "aac", "-shortest"];
  await run("ffmpeg", [
    ...["-hide_banner", "-loglevel", "error", "-y"],
    ...["-f", "lavfi", "-i", `${picture}=size=${size}:rate=${fps}`],
    ...(sound ? tone : []),
    ...[
      "-t",
      `${secs}`,
      "-c:v",
      "libx264",
      "-preset",
      "ultrafast",
      "-pix_fmt",
      "yuv420p",
      "-g",
      `${fps * 2}`,
    ],
    making,
  ]);
  await rename(making, file);
  return file;
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
