// `npm run screenshots`: every page and state, in light and dark, on desktop and phone, into `docs/screenshots/`.

import { execFile } from "node:child_process";
import { mkdir, rename } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { setStage, type Stage } from "./stage";
import { STATES } from "./states";
import { test } from "./test";

const FOLDER = fileURLToPath(new URL("../../docs/screenshots/", import.meta.url));

/** A palette makes a picture a third of its size, and these pages have few colours. */
const PALETTE =
  "split[one][other];[one]palettegen=stats_mode=full[colours];[other][colours]paletteuse=dither=sierra2_4a";

const DEVICES = {
  desktop: { viewport: { width: 1280, height: 800 } },
  phone: { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true },
};

let stage: Stage;

test.beforeAll(async ({ service }) => {
  test.setTimeout(240_000);
  stage = await setStage(service);
  await mkdir(FOLDER, { recursive: true });
});

test.afterAll(() => stage.close());

for (const colorScheme of ["light", "dark"] as const) {
  for (const [device, options] of Object.entries(DEVICES)) {
    test.describe(`${colorScheme}, ${device}`, () => {
      test.use({ colorScheme, ...options });
      for (const { name, show } of STATES) {
        test(name, async ({ page }) => {
          await show(page, stage);
          await page.evaluate(() => document.fonts.ready);
          const file = path.join(FOLDER, `${name}-${colorScheme}-${device}.png`);
          await page.screenshot({ path: file, animations: "disabled", caret: "hide" });
          await shrink(file);
        });
      }
    });
  }
}

async function shrink(file: string): Promise<void> {
  const small = `${file}.png`;
  const quiet = ["-hide_banner", "-loglevel", "error", "-y"];
  await promisify(execFile)("ffmpeg", [
    ...quiet,
    "-i",
    file,
    "-filter_complex",
    PALETTE,
    "-compression_level",
    "100",
    small,
  ]);
  await rename(small, file);
}
