// How smooth the library is with 200 videos of which 30 are at work. It measures the machine too, so it is no test: `npm run frames`.

import type { Page } from "@playwright/test";
import { atWork, member, startCrowd } from "./crowd";
import { expect, test } from "./test";

/** How many videos there are, and how many of them are being encoded. */
const VIDEOS = 200;
const AT_WORK = 30;

/** For how long frames are counted, in milliseconds, and how often each video at work tells of itself meanwhile. */
const WATCHED_MS = 5000;
const TOLD_EVERY_MS = 250;

/** A frame shorter than this in milliseconds is one of sixty in a second; longer than that, it is seen as a stutter. */
const SMOOTH_FRAME_MS = 20;
const SLOW_FRAME_MS = 50;

/** What share of its time the page may compute because 30 videos tell of themselves: scrolling alone takes half of it on a slow machine. */
const BUSY_SHARE = 0.25;

test("200 videos of which 30 are at work stay smooth", async ({ page, service }, info) => {
  const members = Array.from({ length: VIDEOS }, (_, place) =>
    place < AT_WORK ? atWork(place, 0) : member(place),
  );
  const crowd = await startCrowd(service.origin, members);
  await page.goto(crowd.origin);
  await expect(page.locator("[data-video]")).toHaveCount(VIDEOS);
  await expect(page.getByRole("progressbar")).toHaveCount(AT_WORK * 3);

  // The machine may be busy with something else, so what it can do is measured first.
  const quiet = await smoothness(page);
  let told = 0;
  const telling = setInterval(() => {
    told += 1;
    for (let place = 0; place < AT_WORK; place += 1) crowd.tell(atWork(place, Math.min(told / 40, 0.98)));
  }, TOLD_EVERY_MS);
  const lively = await smoothness(page);
  clearInterval(telling);

  for (const [name, { median, slow, busy }] of Object.entries({ quiet, lively })) {
    const said = `median frame ${median.toFixed(1)} ms, ${(slow * 100).toFixed(1)} % over ${SLOW_FRAME_MS} ms, busy ${(busy * 100).toFixed(0)} %`;
    info.annotations.push({ type: name, description: said });
    console.log(`${name}: ${said}`);
  }
  expect(lively.busy - quiet.busy).toBeLessThan(BUSY_SHARE);
  // Frames are asked for only where the machine has time to draw those of a page on which nothing changes.
  if (quiet.median < SMOOTH_FRAME_MS) {
    expect(lively.median).toBeLessThan(SMOOTH_FRAME_MS);
    expect(lively.slow).toBeLessThan(quiet.slow + 0.05);
  }
  await expect(page.getByRole("progressbar").first()).toHaveAttribute("aria-valuenow", /[1-9]/);
  await crowd.close();
});

/** How smoothly a page scrolls from end to end and back. */
interface Smoothness {
  /** Of the times between two frames, in milliseconds. */
  median: number;
  /** Share of frames that are seen as a stutter. */
  slow: number;
  /** Share of the time that the page computed, by the clock of its processor. */
  busy: number;
}

async function smoothness(page: Page): Promise<Smoothness> {
  const protocol = await page.context().newCDPSession(page);
  await protocol.send("Performance.enable");
  const computed = async () => {
    const { metrics } = await protocol.send("Performance.getMetrics");
    return metrics.find(({ name }) => name === "ThreadTime")?.value ?? 0;
  };
  const before = await computed();
  const frames = await page.evaluate(scrollThrough, WATCHED_MS);
  const busy = ((await computed()) - before) / (WATCHED_MS / 1000);
  await protocol.detach();
  const sorted = frames.sort((one, other) => one - other);
  const median = sorted[Math.floor(sorted.length / 2)] ?? Infinity;
  return { median, slow: frames.filter((frame) => frame > SLOW_FRAME_MS).length / frames.length, busy };
}

/** Runs in the page: scrolls through it and back, and tells how long each frame took. */
async function scrollThrough(milliseconds: number): Promise<number[]> {
  const frames: number[] = [];
  const began = performance.now();
  let last = began;
  await new Promise<void>((resolve) => {
    const frame = (now: number) => {
      if (now > last) frames.push(now - last);
      last = now;
      const share = (now - began) / milliseconds;
      const reach = document.documentElement.scrollHeight - innerHeight;
      scrollTo(0, reach * (share < 0.5 ? share * 2 : 2 - share * 2));
      if (share < 1) requestAnimationFrame(frame);
      else resolve();
    };
    requestAnimationFrame(frame);
  });
  return frames;
}
