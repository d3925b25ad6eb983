// How smooth the library is with 200 videos of which 30 are at work. It measures the machine too, so it is no test: `npm run frames`.

import { atWork, member, startCrowd } from "./crowd";
import { expect, test } from "./test";

/** How many videos there are, and how many of them are being encoded. */
const VIDEOS = 200;
const AT_WORK = 30;

/** For how long frames are counted, in milliseconds, and how often each video at work tells of itself meanwhile. */
const WATCHED_MS = 6000;
const TOLD_EVERY_MS = 250;

/** A frame longer than this in milliseconds is seen as a stutter. */
const SLOW_FRAME_MS = 50;

/** For how long the page may be deaf to people all in all: what its long tasks take beyond 50 ms each. */
const BLOCKED_MS = 500;

test("200 videos of which 30 are at work stay smooth", async ({ page, service }) => {
  const members = Array.from({ length: VIDEOS }, (_, place) =>
    place < AT_WORK ? atWork(place, 0) : member(place),
  );
  const crowd = await startCrowd(service.origin, members);
  await page.goto(crowd.origin);
  await expect(page.locator("[data-video]")).toHaveCount(VIDEOS);
  await expect(page.getByRole("progressbar")).toHaveCount(AT_WORK * 3);

  let told = 0;
  const telling = setInterval(() => {
    told += 1;
    for (let place = 0; place < AT_WORK; place += 1) crowd.tell(atWork(place, Math.min(told / 40, 0.98)));
  }, TOLD_EVERY_MS);
  const { frames, tasks } = await page.evaluate(watchFrames, WATCHED_MS);
  clearInterval(telling);

  const slow = frames.filter((frame) => frame > SLOW_FRAME_MS).length;
  const median = frames.sort((one, other) => one - other)[Math.floor(frames.length / 2)] ?? Infinity;
  const blocked = tasks.reduce((sum, task) => sum + task - 50, 0);
  const said = `${frames.length} frames, median ${median.toFixed(1)} ms, ${slow} over ${SLOW_FRAME_MS} ms; blocked for ${blocked} ms`;
  console.log(said);
  expect(median, said).toBeLessThan(20);
  expect(slow / frames.length, said).toBeLessThan(0.05);
  expect(blocked, said).toBeLessThan(BLOCKED_MS);
  await expect(page.getByRole("progressbar").first()).toHaveAttribute("aria-valuenow", /[1-9]/);
  await crowd.close();
});

/** Runs in the page: scrolls through it and back, and tells how long each frame and each long task took. */
async function watchFrames(milliseconds: number): Promise<{ frames: number[]; tasks: number[] }> {
  const tasks: number[] = [];
  const observer = new PerformanceObserver((list) =>
    tasks.push(...list.getEntries().map((task) => task.duration)),
  );
  observer.observe({ type: "longtask" });
  const frames: number[] = [];
  const began = performance.now();
  let last = began;
  await new Promise<void>((resolve) => {
    const frame = (now: number) => {
      if (frames.length > 0 || now > last) frames.push(now - last);
      last = now;
      const share = (now - began) / milliseconds;
      const reach = document.documentElement.scrollHeight - innerHeight;
      scrollTo(0, reach * (share < 0.5 ? share * 2 : 2 - share * 2));
      if (share < 1) requestAnimationFrame(frame);
      else resolve();
    };
    requestAnimationFrame(frame);
  });
  observer.disconnect();
  return { frames, tasks };
}
