// Drives a player in headless Chromium from Node.

import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const { resolve } = createRequire(import.meta.url);
const PAGE_SCRIPT = fileURLToPath(new URL("page.js", import.meta.url));
const ENGINE_SCRIPTS = { "hls.js": resolve("hls.js"), shaka: resolve("shaka-player") };

/** Starts the Chromium named by CHROMIUM, by default where Debian's package puts it. */
export function launchChromium() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    // Chromium refuses to run as root with its sandbox on, and containers often have no other user.
    chromiumSandbox: process.getuid() !== 0,
    args: ["--autoplay-policy=no-user-gesture-required"],
  });
}

/**
 * Opens `url` in a new page and waits until playback could start.
 *
 * @param {import("playwright-core").Browser} browser
 * @param {"hls.js" | "shaka"} engine
 * @param {string} url
 * @param {{startHeight?: number, config?: object, origin?: string}} [options] the rung to begin with,
 *   by default the player's choice; hls.js's configuration; whose page plays it, by default `url`'s
 */
export async function openPlayer(browser, engine, url, options = {}) {
  const page = await browser.newPage({ viewport: { width: 640, height: 360 } });
  await page.goto(new URL("/", options.origin ?? url).href);
  await page.addScriptTag({ path: ENGINE_SCRIPTS[engine] });
  await page.addScriptTag({ path: PAGE_SCRIPT });
  const opened = await page.evaluate(
    ([engine, url, options]) => openPlayer(engine, url, options),
    [engine, url, options],
  );
  return {
    page,
    opened,
    /** Calls a method of `Player` in `page.js`. */
    call: (method, ...args) =>
      page.evaluate(([method, args]) => player[method](...args), [method, args]),
  };
}

/** Keeps a screenshot in `file` and tells what it shows: see `page.js`. */
export async function readScreenshot(page, file) {
  const screenshot = await page.screenshot({ path: file });
  return page.evaluate((base64) => readScreenshot(base64), screenshot.toString("base64"));
}
