// A video whose colour tells the time, and what one sees of a player.

import { execFile } from "node:child_process";
import { access, mkdir, rename } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { expect, type Locator, type Page } from "@playwright/test";
import type { components } from "../src/api/schema";
import { look, upload } from "./videos";

type Video = components["schemas"]["Video"];

const run = promisify(execFile);
const FOLDER = path.join(tmpdir(), "streamforge-web-media");

/** So long is each colour shown, in seconds. */
const COLOUR_SECS = 15;
/** Degrees from one colour to the next. */
const HUE_STEP = 30;
/** Length of the clip: once around the colours. */
export const CLIP_SECS = (360 / HUE_STEP) * COLOUR_SECS;

/** A clip whose hue goes around once, in steps. */
export async function colourClip(): Promise<string> {
  const file = path.join(FOLDER, `colours-${CLIP_SECS}s.mp4`);
  if (
    await access(file).then(
      () => true,
      () => false,
    )
  )
    return file;
  await mkdir(FOLDER, { recursive: true });
  const making = `${file}.${process.pid}.mp4`;
  const colours = Array.from({ length: CLIP_SECS / COLOUR_SECS }, (_, step) => rgbOf(step * HUE_STEP));
  const pictures = colours.flatMap((colour) => {
    return ["-f", "lavfi", "-i", `color=c=${colour}:s=1280x720:r=25:d=${COLOUR_SECS}`];
  });
  await run("ffmpeg", [
    ...["-hide_banner", "-loglevel", "error", "-y", ...pictures],
    ...["-f", "lavfi", "-i", `sine=frequency=330:duration=${CLIP_SECS}`],
    ...["-filter_complex", `concat=n=${colours.length}:v=1:a=0,format=yuv420p`],
    ...["-c:v", "libx264", "-preset", "ultrafast", "-g", "50", "-c:a", "aac", making],
  ]);
  await rename(making, file);
  return file;
}

/** The hue of {@link colourClip} at a time, in degrees. */
export const hueAt = (secs: number): number => Math.floor(secs / COLOUR_SECS) * HUE_STEP;

/** Which hue of the clip the middle of an element shows on the screen. */
export async function shownHue(page: Page, element: Locator): Promise<number> {
  const screenshot = (await element.screenshot()).toString("base64");
  const hue = await page.evaluate(async (base64) => {
    const bytes = Uint8Array.from(atob(base64), (sign) => sign.charCodeAt(0));
    const image = await createImageBitmap(new Blob([bytes]));
    const context = new OffscreenCanvas(image.width, image.height).getContext("2d")!;
    context.drawImage(image, 0, 0);
    const [red = 0, green = 0, blue = 0] = context.getImageData(image.width / 2, image.height / 2, 1, 1).data;
    const [most, least] = [Math.max(red, green, blue), Math.min(red, green, blue)];
    if (most - least < 60) return -1;
    const parts = [
      (green - blue) / (most - least),
      (blue - red) / (most - least),
      (red - green) / (most - least),
    ];
    const sector = [red, green, blue].indexOf(most);
    return ((parts[sector]! + 2 * sector) * 60 + 360) % 360;
  }, screenshot);
  return hue < 0 ? hue : (Math.round(hue / HUE_STEP) * HUE_STEP) % 360;
}

/** Uploads a file and waits until all of it is there. */
export async function uploadWhole(api: string, file: string, title: string): Promise<Video> {
  const { id } = await upload(api, file, title);
  await expect.poll(async () => (await look(api, id))?.status, { timeout: 240_000 }).toBe("ready");
  return (await look(api, id))!;
}

/** A player on a page. */
export class Watching {
  readonly video: Locator;
  readonly seekBar: Locator;
  readonly player: Locator;

  constructor(readonly page: Page) {
    this.player = page.getByRole("region", { name: "Video player" });
    this.video = page.locator("video");
    this.seekBar = page.getByRole("slider", { name: "Seek" });
  }

  /** Opens a page with a player, and waits until it could play. */
  async open(url: string): Promise<void> {
    await this.page.goto(url);
    await this.canPlay();
  }

  async canPlay(): Promise<void> {
    await expect.poll(() => this.read((video) => video.readyState)).toBeGreaterThanOrEqual(3);
  }

  /** Where it is, in seconds. */
  async time(): Promise<number> {
    return this.read((video) => video.currentTime);
  }

  /** Something of the element. */
  async read<Value>(look: (video: HTMLVideoElement) => Value): Promise<Value> {
    return this.video.evaluate(look as (video: SVGElement | HTMLElement) => Value);
  }

  /** Plays by the key, which is the gesture that browsers want to hear of before there is any sound. */
  async play(): Promise<void> {
    if (await this.read((video) => video.paused)) await this.page.keyboard.press("k");
    const time = await this.time();
    await expect.poll(() => this.time()).toBeGreaterThan(time);
  }

  /** Expects the position to be at `secs`, give or take half a second. */
  async isAt(secs: number): Promise<void> {
    await expect.poll(async () => Math.abs((await this.time()) - secs)).toBeLessThan(0.5);
  }

  /** Puts the mouse on the seek bar, where `secs` is. */
  async pointAt(secs: number): Promise<void> {
    const box = (await this.seekBar.boundingBox())!;
    const duration = Number(await this.seekBar.getAttribute("max"));
    await this.page.mouse.move(box.x + (box.width * secs) / duration, box.y + box.height / 2);
  }

  /** Clicks the seek bar there. */
  async clickAt(secs: number): Promise<void> {
    await this.pointAt(secs);
    await this.page.mouse.down();
    await this.page.mouse.up();
  }

  /**
   * How long it takes from the next choice in the menu until pictures of this height are on the screen, in milliseconds, and how far the
   * position goes in that time, in seconds.
   */
  async switching(height: number): Promise<{ took: number; moved: number }> {
    return this.video.evaluate(async (element, height) => {
      const video = element as HTMLVideoElement;
      await new Promise<void>((resolve) => {
        const click = ({ target }: Event) => (target as Element).closest("[role=menuitemradio]") && resolve();
        document.addEventListener("click", click, { capture: true });
      });
      const [start, place] = [performance.now(), video.currentTime];
      while (video.videoHeight !== height && performance.now() - start < 10_000) {
        await new Promise(requestAnimationFrame);
      }
      return { took: performance.now() - start, moved: video.currentTime - place };
    }, height);
  }

  /** Chooses something in the menu. */
  async choose(setting: "Quality" | "Speed" | "Captions", choice: string | RegExp): Promise<void> {
    await this.player.hover();
    await this.page.getByRole("button", { name: "Settings" }).click();
    await this.page.getByRole("menuitem", { name: setting }).click();
    await this.page.getByRole("menuitemradio", { name: choice }).click();
  }
}

/** `0xRRGGBB` of a hue, fully saturated. */
function rgbOf(hue: number): string {
  const part = (shift: number) => {
    const place = (shift + hue / 60) % 6;
    return Math.round(255 * (1 - Math.max(0, Math.min(place, 4 - place, 1))));
  };
  return `0x${[part(5), part(3), part(1)].map((value) => value.toString(16).padStart(2, "0")).join("")}`;
}
