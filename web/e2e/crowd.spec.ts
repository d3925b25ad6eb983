import { atWork, member, startCrowd, type Crowd } from "./crowd";
import { expect, test } from "./test";

let crowd: Crowd;

test.afterEach(() => crowd.close());

test("what is told of one video changes its row and no other", async ({ page, service }) => {
  const members = Array.from({ length: 200 }, (_, place) => (place < 30 ? atWork(place, 0) : member(place)));
  crowd = await startCrowd(service.origin, members);
  await page.goto(crowd.origin);
  await expect(page.locator("[data-video]")).toHaveCount(200);
  await page.evaluate(() => {
    const changed = new Set<string>();
    Object.assign(window, { changed });
    new MutationObserver((mutations) => {
      for (const { target } of mutations) {
        const element = target instanceof Element ? target : target.parentElement;
        const row = element?.closest("[data-video]");
        if (row) changed.add(row.getAttribute("data-video") ?? "");
      }
    }).observe(document.body, { subtree: true, childList: true, attributes: true, characterData: true });
  });

  const told = atWork(7, 0.5);
  crowd.tell(told);
  const row = page.locator(`[data-video="${told.id}"]`);
  await expect(row.getByRole("progressbar").first()).toHaveAttribute("aria-valuenow", /[1-9]/);
  const changed = await page.evaluate(() => [...(window as unknown as { changed: Set<string> }).changed]);
  expect(changed).toEqual([told.id]);
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
  await expect(page.getByRole("link", { name: "Alpha", exact: true })).toBeFocused();
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
