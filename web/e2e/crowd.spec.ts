import { atWork, member, startCrowd, type Crowd } from "./crowd";
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

let crowd: Crowd;

test.afterEach(() => crowd.close());

test.describe("200 videos of which 30 are at work", () => {
  // It measures the machine too, which may have had something else to do.
  test.describe.configure({ retries: 2 });

  test("stay smooth", async ({ page, service }, info) => {
    const members = Array.from({ length: VIDEOS }, (_, place) =>
      place < AT_WORK ? atWork(place, 0) : member(place),
    );
    crowd = await startCrowd(service.origin, members);
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
    info.annotations.push({ type: "frames", description: said });
    console.log(said);
    expect(median, said).toBeLessThan(20);
    expect(slow / frames.length, said).toBeLessThan(0.05);
    expect(blocked, said).toBeLessThan(BLOCKED_MS);
    await expect(page.getByRole("progressbar").first()).toHaveAttribute("aria-valuenow", /[1-9]/);
  });
});

test("a video that failed by bad luck is tried again, as a whole or one part of it", async ({
  page,
  service,
}) => {
  const failure = {
    code: "encoding_failed",
    message: "part 3 of the pictures failed three times",
    retryable: true,
  };
  const job = { video: 2 };
  const progress = {
    ...atWork(1, 0.6).progress!,
    failing: [{ job, attempts: 3, error: "x264 ran out of memory" }],
  };
  crowd = await startCrowd(service.origin, [
    member(0, { title: "Alpha", status: "failed", failure }),
    member(1, { title: "Beta", status: "failed", failure, progress }),
  ]);
  await page.goto(crowd.origin);
  await page.getByRole("button", { name: "Try Alpha again" }).click();
  await expect(page.getByText("Queued")).toBeVisible();

  await page.getByRole("button", { name: "More for Beta" }).click();
  await page.getByRole("menuitem", { name: "Why it failed" }).click();
  await expect(page.getByRole("dialog")).toContainText("x264 ran out of memory");
  await page.getByRole("button", { name: "Only this" }).click();
  await expect(page.getByText("Queued")).toHaveCount(2);
  expect(crowd.retried).toEqual([{}, { job }]);
});

test("a thousand videos are listed page by page, and made as one comes to them", async ({
  page,
  service,
}) => {
  crowd = await startCrowd(
    service.origin,
    Array.from({ length: 1000 }, (_, place) => member(place)),
  );
  await page.goto(crowd.origin);
  await expect(page.getByRole("button", { name: "All 1000" })).toBeVisible();
  expect(crowd.asked.filter((one) => one === "GET /api/v1/videos")).toHaveLength(5);
  await expect(page.locator("[data-video]")).toHaveCount(200);
  await page.getByRole("link", { name: "Recording 0", exact: true }).focus();
  await page.keyboard.press("End");
  await expect(page.getByRole("link", { name: "Recording 999" })).toBeFocused();
});

test("a stream that may have lost something has the list asked for again", async ({ page, service }) => {
  crowd = await startCrowd(service.origin, [member(0)]);
  await page.goto(crowd.origin);
  await expect(page.locator("[data-video]")).toHaveCount(1);
  crowd.lose(member(1));
  await expect(page.getByRole("link", { name: "Recording 1" })).toBeVisible();
});

test("coming back from a video leads to where one was", async ({ page, service }) => {
  crowd = await startCrowd(
    service.origin,
    Array.from({ length: 200 }, (_, place) => member(place)),
  );
  await page.goto(crowd.origin);
  const link = page.getByRole("link", { name: "Recording 150" });
  await link.scrollIntoViewIfNeeded();
  await link.click();
  await expect(page).toHaveURL(/\/watch\//);
  await expect(page.getByRole("main")).toBeFocused();
  await page.goBack();
  await expect(link).toBeInViewport();
  await page.reload();
  await expect(link).toBeInViewport();
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
