import { violationsOf } from "./accessible";
import { setStage, type Stage } from "./stage";
import { STATES } from "./states";
import { expect, test } from "./test";

let stage: Stage;

test.beforeAll(async ({ service }) => {
  test.setTimeout(240_000);
  stage = await setStage(service);
});

test.afterAll(() => stage.close());

/** Colours depend on the one, what there is room for on the other: two of the four say all. */
const COMBINATIONS = [
  { name: "light, desktop", colorScheme: "light", viewport: { width: 1280, height: 800 } },
  {
    name: "dark, phone",
    colorScheme: "dark",
    viewport: { width: 390, height: 844 },
    isMobile: true,
    hasTouch: true,
  },
] as const;

for (const { name: combination, ...options } of COMBINATIONS) {
  test.describe(combination, () => {
    test.use(options);
    for (const { name, show } of STATES) {
      test(`${name} can be used by everybody`, async ({ page }) => {
        await show(page, stage);
        expect(await violationsOf(page)).toEqual([]);
        // `innerWidth` would not do: a phone zooms out until it is as wide as the page.
        const width = await page.evaluate(() => document.documentElement.scrollWidth);
        expect(width, "nothing is wider than the screen").toBeLessThanOrEqual(options.viewport.width);
      });
    }
  });
}
