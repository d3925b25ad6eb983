// Painted landscapes, over which a clip pans slowly: something to look at in screenshots that nobody has to be asked for.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { access, mkdir, rename } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

const FOLDER = path.join(tmpdir(), "streamforge-web-media");

/** The painting is wider than the picture, which moves over it. */
const [WIDTH, HEIGHT, PICTURE_WIDTH] = [1600, 720, 1280];
const FPS = 30;

type Colour = readonly [red: number, green: number, blue: number];

/** The sky above and below, the sun, and hills from far to near. */
interface Palette {
  sky: [string, string];
  sun: string;
  hills: string[];
  /** Where the sun stands, as shares of the width and the height. */
  at: [number, number];
  /** Turns the hills into others. */
  phase: number;
}

const PALETTES = {
  dawn: {
    sky: ["2b2d5b", "f6a36b"],
    sun: "ffe2b0",
    hills: ["b9677a", "8a4a6e", "56345c", "2a1f3d"],
    at: [0.5, 0.44],
    phase: 0.4,
  },
  noon: {
    sky: ["3f8fd2", "d8ecf5"],
    sun: "fff6d8",
    hills: ["9cc3d6", "6aa39a", "3f7a68", "234c43"],
    at: [0.62, 0.24],
    phase: 1.7,
  },
  night: {
    sky: ["0b1026", "2c3a6b"],
    sun: "e8ecff",
    hills: ["26305a", "1b2347", "121834", "0a0e20"],
    at: [0.34, 0.3],
    phase: 3.1,
  },
  autumn: {
    sky: ["f2d8b0", "f7ecd9"],
    sun: "fffaf0",
    hills: ["d99a5b", "c0703a", "8a4526", "4d2618"],
    at: [0.42, 0.36],
    phase: 4.6,
  },
  mist: {
    sky: ["c9d6df", "eef2f3"],
    sun: "ffffff",
    hills: ["b4c3cb", "8fa3ad", "647a86", "3d515c"],
    at: [0.56, 0.38],
    phase: 5.9,
  },
} satisfies Record<string, Palette>;

export type Landscape = keyof typeof PALETTES;

/** The path of a clip that pans over a landscape. Made when it is not there yet. */
export async function landscape(name: Landscape, secs: number): Promise<string> {
  const file = path.join(FOLDER, `landscape-${name}-${secs}s.mp4`);
  const isThere = await access(file).then(
    () => true,
    () => false,
  );
  if (isThere) return file;
  await mkdir(FOLDER, { recursive: true });
  const making = `${file}.${process.pid}.mp4`;
  const pan = `crop=${PICTURE_WIDTH}:${HEIGHT}:x='(iw-ow)*t/${secs}':y=0`;
  const ffmpeg = spawn(
    "ffmpeg",
    [
      ...["-hide_banner", "-loglevel", "error", "-y"],
      ...["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", `${WIDTH}x${HEIGHT}`, "-r", `${FPS}`, "-i", "pipe:0"],
      ...["-f", "lavfi", "-i", `sine=frequency=220:duration=${secs}`],
      ...["-vf", `loop=loop=-1:size=1,setpts=N/${FPS}/TB,${pan}`, "-t", `${secs}`],
      ...["-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-c:a", "aac", making],
    ],
    { stdio: ["pipe", "inherit", "inherit"] },
  );
  ffmpeg.stdin.end(paint(PALETTES[name]));
  const [code] = (await once(ffmpeg, "exit")) as [number];
  if (code !== 0) throw new Error(`ffmpeg ended with ${code}`);
  await rename(making, file);
  return file;
}

/** The painting as RGB, three bytes a pixel. */
function paint({ sky: [top, bottom], sun, hills, at, phase }: Palette): Buffer {
  const pixels = Buffer.alloc(WIDTH * HEIGHT * 3);
  const [high, low, light] = [rgb(top), rgb(bottom), rgb(sun)];
  const ridges = hills.map((hill, place) => ({ colour: rgb(hill), height: ridge(place, phase) }));
  for (let y = 0; y < HEIGHT; y += 1) {
    const air = mix(high, low, (y / HEIGHT) ** 0.8);
    for (let x = 0; x < WIDTH; x += 1) {
      const away = Math.hypot(x - WIDTH * at[0], y - HEIGHT * at[1]) / HEIGHT;
      let colour = mix(air, light, 0.35 * Math.exp(-away * 4));
      colour = mix(light, colour, (away - 0.085) * 240);
      // Nearer hills hide those behind them; their edges are softened over a pixel.
      for (const { colour: hill, height } of ridges) colour = mix(colour, hill, y - height[x]! + 0.5);
      pixels.set(colour, (y * WIDTH + x) * 3);
    }
  }
  return pixels;
}

/** How far down a row of hills begins, at each place. */
function ridge(place: number, phase: number): number[] {
  const turn = phase + place * 1.7;
  return Array.from({ length: WIDTH }, (_, x) => {
    const at = x / WIDTH;
    const waves =
      0.05 * Math.sin(at * (9 - place) + turn) +
      0.03 * Math.sin(at * (21 - 3 * place) + turn * 2.3) +
      0.012 * Math.sin(at * 61 + turn * 5);
    return HEIGHT * (0.56 + 0.11 * place + waves);
  });
}

function mix(from: Colour, to: Colour, share: number): Colour {
  const part = Math.min(Math.max(share, 0), 1);
  const one = (place: 0 | 1 | 2) => from[place] + (to[place] - from[place]) * part;
  return [one(0), one(1), one(2)];
}

function rgb(hex: string): Colour {
  const bits = Number.parseInt(hex, 16);
  return [bits >> 16, (bits >> 8) & 255, bits & 255];
}
