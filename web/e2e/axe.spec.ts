import { AxeBuilder } from "@axe-core/playwright";
import { setStage, type Stage } from "./stage";
import { STATES } from "./states";
import { expect, test } from "./test";

let stage: Stage;

test.beforeAll(async ({ service }) => {
  test.setTimeout(240_000);
  stage = await setStage(service);
});

test.afterAll(() => stage.close());

for (const colorScheme of ["light", "dark"] as const) {
  for (const [device, viewport] of [
    ["desktop", { width: 1280, height: 800 }],
    ["phone", { width: 390, height: 844 }],
  ] as const) {
    test.describe(`${colorScheme} on a ${device}`, () => {
      test.use({ colorScheme, viewport });
      for (const { name, show } of STATES) {
        test(`${name} can be used by everybody`, async ({ page }) => {
          await show(page, stage);
          await page.evaluate(settle);
          const { violations } = await new AxeBuilder({ page }).analyze();
          expect(
            violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target).join(", ")}`),
          ).toEqual([]);
          // Nothing is cut off, and nothing has to be scrolled sideways.
          const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
          expect(overflow).toBeLessThanOrEqual(0);
        });
      }
    });
  }
}

/** Runs in the page: waits for what fades in, which has other colours meanwhile. */
async function settle(): Promise<void> {
  const ending = document.getAnimations().filter(({ effect }) => effect?.getTiming().iterations !== Infinity);
  await Promise.allSettled(ending.map(({ finished }) => finished));
}
