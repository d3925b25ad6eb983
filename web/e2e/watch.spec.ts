import { expect, test } from "./test";
import { CLIP_SECS, colourClip, hueAt, shownHue, uploadWhole, Watching } from "./watching";

let id: string;
let watching: Watching;

test.beforeAll(async ({ service }) => {
  const video = await uploadWhole(service.api, await colourClip(), "Colours");
  id = video.id;
});

test.beforeEach(({ page }) => {
  watching = new Watching(page);
});

test("plays from the start to where one jumps, and shows what it should", async ({ page }) => {
  await watching.open(`/watch/${id}`);
  await expect(page).toHaveTitle("Colours · StreamForge");
  expect(await watching.time()).toBe(0);
  await watching.play();
  expect(await watching.time()).toBeLessThan(2);
  await expect(watching.seekBar).toHaveAttribute("max", /^(180|179\.9)/);

  await page.keyboard.press("k");
  for (const secs of [100, 40, 170]) {
    await watching.clickAt(secs);
    await watching.isAt(secs);
    await expect.poll(() => shownHue(page, watching.video)).toBe(hueAt(secs));
  }
});

test("shows the still of where one points", async ({ page }) => {
  await watching.open(`/watch/${id}`);
  await watching.player.hover();
  const still = page.getByTestId("still");
  for (const secs of [7, 22, 97, 127, 172]) {
    await watching.pointAt(secs);
    await expect(still).toBeVisible();
    await expect.poll(() => shownHue(page, still)).toBe(hueAt(secs));
  }
  await page.mouse.move(10, 10);
  await expect(still).toBeHidden();
});

test("switches the quality by hand within a second, and stays where it is", async ({ page }) => {
  await watching.open(`/watch/${id}`);
  await page.keyboard.press("3");
  await watching.play();
  for (const [choice, height] of [
    ["360p", 360],
    ["720p", 720],
    ["360p", 360],
  ] as const) {
    const switching = watching.switching(height);
    await watching.choose("Quality", choice);
    const { took, moved } = await switching;
    console.log(choice, took, moved);
    expect(took).toBeLessThan(1000);
    expect(moved).toBeGreaterThanOrEqual(0);
    expect(moved).toBeLessThan(1.5);
  }
  const time = await watching.time();
  await expect.poll(() => watching.time(), "it goes on").toBeGreaterThan(time + 1);
  expect(CLIP_SECS).toBe(180);
});
