import type { Page } from "@playwright/test";
import { clip } from "./media";
import { expect, test } from "./test";
import { uploadWhole, Watching } from "./watching";

/** 20 Mbit/s in bytes a second, and the delay of a good line. */
const LINE = { offline: false, latency: 10, downloadThroughput: 2_500_000, uploadThroughput: 2_500_000 };

/** Nothing of this measures the code where four other programs run: it tells when something is very wrong. */
const BOUND_MS = 4000;

/** Milliseconds from opening the page until the poster is there, and until pictures move. */
async function measure(page: Page, url: string): Promise<{ poster: number; playing: number }> {
  await page.addInitScript(() => {
    const playing = () => performance.mark("playing");
    document.addEventListener("playing", playing, { capture: true, once: true });
  });
  const network = await page.context().newCDPSession(page);
  await network.send("Network.enable");
  await network.send("Network.emulateNetworkConditions", LINE);
  await page.goto(url);
  const playing = () => page.evaluate(() => performance.getEntriesByName("playing")[0]?.startTime ?? 0);
  await expect.poll(playing).toBeGreaterThan(0);
  const poster = () =>
    page.evaluate(() => {
      const entries = performance.getEntriesByType("resource") as PerformanceResourceTiming[];
      return entries.find(({ name }) => name.endsWith("poster.jpg"))?.responseEnd ?? 0;
    });
  await expect.poll(poster).toBeGreaterThan(0);
  return { poster: await poster(), playing: await playing() };
}

test("a video starts soon on a line of 20 Mbit/s", async ({ page, service }) => {
  const file = await clip({ secs: 20, size: "1280x720", picture: "mandelbrot" });
  const { id } = await uploadWhole(service.api, file, "Mandelbrot");
  for (const visit of ["first", "second"]) {
    const { poster, playing } = await measure(page, `/embed/${id}?autoplay&muted`);
    const description = `poster after ${Math.round(poster)} ms, plays after ${Math.round(playing)} ms`;
    test.info().annotations.push({ type: `${visit} visit`, description });
    expect(playing).toBeLessThan(BOUND_MS);
  }
  expect(await new Watching(page).time()).toBeLessThan(BOUND_MS / 1000);
});
