// Ways in which files come to the page, and what it says of them.

import { mkdir, truncate, writeFile } from "node:fs/promises";
import path from "node:path";
import AxeBuilder from "@axe-core/playwright";
import { expect, type Page, test } from "@playwright/test";
import { drop, film, type Scratch, scratchFolder } from "./files";
import { Link, SentParts } from "./link";
import { type Service, startService } from "./server";

const MB = 1_000_000;

let service: Service;
let folder: Scratch;

test.beforeAll(async () => {
  service = await startService();
  folder = await scratchFolder();
});

test.afterAll(async () => {
  await service.close();
  await folder.remove();
});

const panel = (page: Page) => page.getByRole("region", { name: /upload/i });
const row = (page: Page, name: string) => panel(page).getByRole("listitem").filter({ hasText: name });

test("a dropped file goes up in parts, each with its checksum, and becomes a video", async ({ page }) => {
  const parts = new SentParts(page);
  const checksums: (string | undefined)[] = [];
  page.on("request", (request) => {
    if (request.method() === "PUT") checksums.push(request.headers()["x-amz-checksum-crc32c"]);
  });
  await page.goto(service.origin);
  await drop(page, await film(folder.path, "holiday.mp4", 25 * MB));

  await expect(row(page, "holiday.mp4")).toContainText(/Uploaded|Ready/);
  expect(parts.taken.sort()).toEqual([1, 2, 3]);
  expect(parts.takenBytes).toBe(25 * MB);
  expect(checksums.every((checksum) => checksum?.length === 8)).toBe(true);
  await row(page, "holiday.mp4").getByRole("link", { name: "Watch holiday.mp4" }).click();
  await expect(page).toHaveURL(/\/watch\/\w{26}$/);
  await expect(panel(page), "it outlives the page it began on").toBeVisible();
});

test("of a dropped folder the videos go up, in order, and the rest is named", async ({ page }) => {
  const root = path.join(folder.path, "Camera");
  await mkdir(path.join(root, "Day 2"), { recursive: true });
  await film(root, "clip 10.mp4", 2 * MB);
  await film(root, "clip 9.mp4", 2 * MB);
  await film(path.join(root, "Day 2"), "clip 11.MOV", 2 * MB);
  await writeFile(path.join(root, "notes.txt"), "Nothing to see");
  await writeFile(path.join(root, ".DS_Store"), "x");
  await page.goto(service.origin);
  await drop(page, root);

  await expect(panel(page)).toContainText("3 videos uploaded");
  await expect(page.getByText("2 files in the folder are no videos and were left out.")).toBeVisible();
  const videos = await (await fetch(`${service.api}/api/v1/videos`)).json();
  const titles = videos.videos.map((video: { title: string }) => video.title);
  expect(titles).toEqual(expect.arrayContaining(["clip 9", "clip 10", "clip 11"]));
});

test("files are chosen, several at once", async ({ page }) => {
  // As browsers do that cannot keep handles, and so as Playwright can.
  await page.addInitScript(() => delete window.showOpenFilePicker);
  await page.goto(service.origin);
  const chooser = page.waitForEvent("filechooser");
  await page.getByRole("banner").getByRole("button", { name: "Upload" }).click();
  const files = ["one.mp4", "two.mp4", "three.mp4"].map((name) => film(folder.path, name, 3 * MB));
  await (await chooser).setFiles(await Promise.all(files));
  await expect(panel(page)).toContainText("3 videos uploaded");
});

test("a copied file is pasted", async ({ page }) => {
  await page.goto(service.origin);
  await page.evaluate(() => {
    const clipboardData = new DataTransfer();
    clipboardData.items.add(new File(["not really"], "pasted.mp4", { type: "video/mp4", lastModified: 1 }));
    dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }));
  });
  await expect(row(page, "pasted.mp4")).toBeVisible();
});

test("what is no video is refused in words, file by file", async ({ page }) => {
  const files = ["readme.mp4", "empty.mp4", "notes.txt", "huge.mkv"].map((name) =>
    path.join(folder.path, name),
  );
  const [text = "", empty = "", notes = "", huge = ""] = files;
  await writeFile(text, "This is a text file, whatever it is called.\n".repeat(100));
  await writeFile(empty, "");
  await writeFile(notes, "Nothing to see");
  await writeFile(huge, "");
  await truncate(huge, 101 * 1024 ** 3);
  const parts = new SentParts(page);
  await page.goto(service.origin);
  await drop(page, ...files, await film(folder.path, "good.mp4", 2 * MB));

  await expect(row(page, "empty.mp4")).toContainText("The file is empty");
  await expect(row(page, "notes.txt")).toContainText("This is not a video file but text");
  await expect(row(page, "huge.mkv")).toContainText("the limit is 100.0 GiB");
  await expect(row(page, "readme.mp4"), "what its content betrays").toContainText("not a video");
  await expect(row(page, "good.mp4"), "the others go on").toContainText(/Ready|plays already/);
  expect(parts.taken, "nothing was sent of what was refused before").toHaveLength(2);

  for (const name of ["empty.mp4", "notes.txt", "huge.mkv"]) {
    await page.getByRole("button", { name: `Dismiss ${name}` }).click();
    await expect(row(page, name)).toBeHidden();
  }
});

test("uploads are paused, resumed, cancelled and had back", async ({ page }) => {
  const parts = new SentParts(page);
  await page.goto(service.origin);
  const link = await Link.of(page);
  await link.slow(8 * MB);
  await drop(page, await film(folder.path, "pauses.mp4", 65 * MB));
  const upload = row(page, "pauses.mp4");

  await expect(upload).toContainText(/MB\/s · .* left/);
  await expect.poll(() => parts.taken.length).toBeGreaterThanOrEqual(2);
  await page.getByRole("button", { name: "Pause pauses.mp4" }).click();
  await expect(upload).toContainText(/Paused at \d+ %/);
  const taken = [...parts.taken];
  parts.clear();

  await page.getByRole("button", { name: "Cancel pauses.mp4" }).click();
  await expect(upload.getByRole("button", { name: "Undo" }), "the keyboard stays where it was").toBeFocused();
  await page.keyboard.press("Enter");
  await expect(upload).toContainText(/Paused/);
  expect(parts.begun, "nothing goes meanwhile").toEqual([]);

  await page.getByRole("button", { name: "Resume pauses.mp4" }).click();
  await expect.poll(() => parts.taken.length).toBeGreaterThanOrEqual(1);
  expect(
    parts.begun.filter((part) => taken.includes(part)),
    "nothing goes twice",
  ).toEqual([]);

  await page.getByRole("button", { name: "Cancel pauses.mp4" }).click();
  await expect(upload).toBeHidden();
  await expect
    .poll(async () => await (await fetch(`${service.api}/api/v1/videos?status=uploading`)).json())
    .toMatchObject({ videos: [] });
});

test("leaving asks first while something is sent, and only then", async ({ page }) => {
  await page.goto(service.origin);
  const link = await Link.of(page);
  await link.slow(2 * MB);
  await drop(page, await film(folder.path, "leaving.mp4", 12 * MB));
  await expect(row(page, "leaving.mp4")).toContainText("MB/s");
  const asked = page.waitForEvent("dialog");
  void page.reload().catch(() => {});
  const dialog = await asked;
  expect(dialog.type()).toBe("beforeunload");
  await dialog.dismiss();
  await link.free();
  await expect(row(page, "leaving.mp4")).toContainText(/Uploaded|Ready/);
  // A dialog that nobody waits for would keep this from ending.
  await page.reload();
});

for (const [device, viewport] of [
  ["desktop", { width: 1280, height: 800 }],
  ["phone", { width: 390, height: 844 }],
] as const) {
  test(`the panel is usable by everybody on a ${device}`, async ({ page }) => {
    await page.setViewportSize(viewport);
    await page.goto(service.origin);
    const link = await Link.of(page);
    await link.slow(1 * MB);
    const empty = path.join(folder.path, `empty-${device}.mp4`);
    await writeFile(empty, "");
    await drop(page, await film(folder.path, `going-${device}.mp4`, 12 * MB), empty);
    const toggle = panel(page).getByRole("button", { expanded: device === "desktop", name: /Uploading/ });
    await expect(toggle).toBeVisible();
    if (device === "phone") {
      await toggle.focus();
      await page.keyboard.press("Enter");
    }
    await expect(row(page, `going-${device}.mp4`)).toBeVisible();
    await expect(panel(page).getByRole("progressbar", { name: `going-${device}.mp4` })).toHaveAttribute(
      "aria-valuetext",
      /of 12.0 MB/,
    );
    const { violations } = await new AxeBuilder({ page }).include("section").analyze();
    expect(violations).toEqual([]);
    const box = await panel(page).boundingBox();
    expect(box!.x).toBeGreaterThanOrEqual(0);
    expect(box!.x + box!.width).toBeLessThanOrEqual(viewport.width);
  });
}
