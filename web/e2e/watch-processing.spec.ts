import { violationsOf } from "./accessible";
import { clip } from "./media";
import { expect, test } from "./test";
import { announce, look, upload, uploadText } from "./videos";
import { Watching } from "./watching";

/** So much takes a while, and is played while it is processed. */
const SECS = 80;

test("a video plays while it is processed, and becomes ready without a reload", async ({ page, service }) => {
  test.setTimeout(300_000);
  const watching = new Watching(page);
  let loads = 0;
  page.on("framenavigated", (frame) => (loads += frame === page.mainFrame() ? 1 : 0));
  const { id } = await upload(service.api, await clip({ secs: SECS, size: "1280x720" }), "Harbour");
  await page.emulateMedia({ reducedMotion: "reduce" });
  await page.goto(`/watch/${id}`);
  await expect(page.getByRole("progressbar").first()).toBeVisible();

  await watching.canPlay();
  expect(await watching.time(), "it starts at the start").toBe(0);
  expect((await look(service.api, id))?.status).toBe("processing");
  await expect(watching.seekBar, "as long as the whole").toHaveAttribute("max", `${SECS}`);
  await expect(page.getByTestId("pending")).toBeVisible();
  await watching.pointAt(SECS - 9.5);
  await expect(page.getByText("1:10 not processed yet")).toBeVisible();
  expect(await violationsOf(page)).toEqual([]);

  // Where it is not processed yet: waits, and can be called back.
  await watching.play();
  await page.keyboard.press("m");
  await watching.clickAt(SECS - 9.5);
  const waiting = page.getByText("1:10 is still being processed.");
  await expect(waiting).toBeVisible();
  await page.getByRole("button", { name: "Go back" }).click();
  await expect(waiting).toBeHidden();
  await expect.poll(() => watching.time()).toBeLessThan(30);
  await watching.play();

  // Again, and this time for as long as it takes.
  await page.keyboard.press("9");
  await expect(page.getByText("1:12 is still being processed.")).toBeVisible();
  expect(await watching.read((video) => video.paused)).toBe(true);
  await expect.poll(() => watching.time(), { timeout: 200_000 }).toBeGreaterThan(SECS * 0.9);
  expect(await watching.read((video) => video.paused), "it plays on by itself").toBe(false);

  await expect(page.getByTestId("pending")).toHaveCount(0, { timeout: 60_000 });
  await expect(page.getByText("It plays while it is being processed")).toBeHidden({ timeout: 60_000 });
  await expect.poll(() => watching.read((video) => video.ended), { timeout: 60_000 }).toBe(true);
  expect(await watching.read((video) => video.muted), "as the viewer wanted it").toBe(true);
  expect(loads).toBe(1);
});

test("a video that nobody has uploaded yet says so, until it is deleted", async ({ page, service }) => {
  const id = await announce(service.api, "On its way");
  await page.goto(`/watch/${id}`);
  await expect(page.getByRole("heading", { name: "Still being uploaded" })).toBeVisible();
  const said = page.getByRole("main").getByRole("status").first();
  await expect(said).toHaveText("Still being uploaded");
  const region = await said.elementHandle();
  expect(await violationsOf(page)).toEqual([]);
  await fetch(`${service.api}/api/v1/videos/${id}`, { method: "DELETE" });
  await expect(page.getByRole("heading", { name: "This video has been deleted" })).toBeVisible();
  expect(await region?.textContent(), "said where screen readers listen").toBe("This video has been deleted");
});

test("a file that is no video says why it failed", async ({ page, service }) => {
  const { id } = await uploadText(service.api, "Diary");
  await page.goto(`/watch/${id}`);
  const alert = page.getByRole("alert");
  await expect(alert).toContainText("This video could not be processed");
  await expect(alert).toContainText("This is not a video file but text");
  await expect(alert.getByRole("link", { name: "Upload another file" })).toBeVisible();
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    expect(await violationsOf(page)).toEqual([]);
  }
  await page.goto(`/embed/${id}`);
  await expect(page.getByRole("alert")).toContainText("This is not a video file but text");
  await expect(page.getByRole("link")).toHaveCount(0);
});
