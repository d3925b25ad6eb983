// Ways in which files come to the page, and what it says of them.

import { mkdir, truncate } from "node:fs/promises";
import path from "node:path";
import type { Page } from "@playwright/test";
import { drop, film, type Scratch, scratchFolder, textFile } from "./files";
import { Link, SentParts } from "./link";
import { expect, test } from "./test";

const MB = 1_000_000;

let folder: Scratch;

test.beforeAll(async () => {
  folder = await scratchFolder();
});

test.afterAll(() => folder.remove());

const panel = (page: Page) => page.getByRole("region", { name: /upload/i });
const row = (page: Page, name: string) => panel(page).getByRole("listitem").filter({ hasText: name });

test("a dropped file goes up in parts, each with its checksum, and becomes a video", async ({ page }) => {
  const parts = new SentParts(page);
  const checksums: (string | undefined)[] = [];
  page.on("request", (request) => {
    if (request.method() === "PUT") checksums.push(request.headers()["x-amz-checksum-crc32c"]);
  });
  await page.goto("/");
  await drop(page, await film(folder.path, "holiday.mp4", 25 * MB));

  await expect(row(page, "holiday.mp4")).toContainText(/Uploaded|Ready/);
  expect(parts.taken.sort()).toEqual([1, 2, 3]);
  expect(await parts.takenBytes()).toBe(25 * MB);
  expect(checksums.every((checksum) => checksum?.length === 8)).toBe(true);
  await row(page, "holiday.mp4").getByRole("link", { name: "Watch holiday.mp4" }).click();
  await expect(page).toHaveURL(/\/watch\/\w{26}$/);
  await expect(panel(page), "it outlives the page it began on").toBeVisible();
});

test("of a dropped folder the videos go up, in order, and the rest is named", async ({ page, service }) => {
  const root = path.join(folder.path, "Camera");
  await mkdir(path.join(root, "Day 2"), { recursive: true });
  await film(root, "clip 10.mp4", 2 * MB);
  await film(root, "clip 9.mp4", 2 * MB);
  await film(path.join(root, "Day 2"), "clip 11.MOV", 2 * MB);
  await textFile(root, "notes.txt", "Nothing to see");
  await textFile(root, ".DS_Store", "x");
  await page.goto("/");
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
  await page.goto("/");
  const chooser = page.waitForEvent("filechooser");
  await page.getByRole("banner").getByRole("button", { name: "Upload" }).click();
  const files = ["one.mp4", "two.mp4", "three.mp4"].map((name) => film(folder.path, name, 3 * MB));
  await (await chooser).setFiles(await Promise.all(files));
  await expect(panel(page)).toContainText("3 videos uploaded");
  await panel(page).getByRole("button", { name: "Close" }).click();
  await expect(panel(page)).toBeHidden();
  await expect(page.locator("#content"), "from where one can go on by keyboard").toBeFocused();
});

test("a copied file is pasted", async ({ page }) => {
  await page.goto("/");
  await page.evaluate(() => {
    const clipboardData = new DataTransfer();
    clipboardData.items.add(new File(["not really"], "pasted.mp4", { type: "video/mp4", lastModified: 1 }));
    dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }));
  });
  await expect(row(page, "pasted.mp4")).toContainText(/Uploaded|not a video/);
});

test("what is no video is refused in words, file by file", async ({ page }) => {
  const huge = await textFile(folder.path, "huge.mkv", "");
  await truncate(huge, 101 * 1024 ** 3);
  const files = [
    await textFile(folder.path, "readme.mp4", "This is a text file, whatever it is called.\n".repeat(100)),
    await textFile(folder.path, "empty.mp4", ""),
    await textFile(folder.path, "notes.txt", "Nothing to see"),
    huge,
  ];
  const parts = new SentParts(page);
  await page.goto("/");
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
    await expect(page.locator("#content"), "from where one can go on by keyboard").toBeFocused();
  }
});

test("a playlist under the name of a video says what it is, on whatever page one is", async ({ page }) => {
  const playlist = "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n";
  await page.goto("/");
  await drop(page, await textFile(folder.path, "on the list.mp4", playlist));
  await expect(row(page, "on the list.mp4")).toContainText("This is not a video file but a playlist");

  await page.goto("/watch/00000000000000000000000000");
  await drop(page, await textFile(folder.path, "elsewhere.mp4", playlist));
  await expect(row(page, "elsewhere.mp4")).toContainText("This is not a video file but a playlist");
  await expect(row(page, "elsewhere.mp4").getByRole("link")).toHaveCount(0);
});

test("a video that is removed while it is sent stands still, goes on when that is undone, and is forgotten", async ({
  page,
  service,
}) => {
  await page.goto("/");
  const link = await Link.of(page);
  await link.slow(8 * MB);
  await drop(page, await film(folder.path, "removed.mp4", 65 * MB));
  await expect(row(page, "removed.mp4")).toContainText("MB/s");
  const inTheList = page.locator("[data-video]").filter({ hasText: "removed" });
  const remove = async () => {
    await inTheList.getByRole("button", { name: "More for removed" }).click();
    await page.getByRole("menuitem", { name: "Delete" }).click();
    await expect(row(page, "removed.mp4")).toContainText(/Paused/);
  };

  await remove();
  await page.getByRole("list", { name: "Messages" }).getByRole("button", { name: "Undo" }).press("Enter");
  await expect(row(page, "removed.mp4")).toContainText("MB/s");
  const focused = await page.evaluate(() => document.activeElement?.tagName);
  expect(focused, "the keyboard goes on somewhere").not.toBe("BODY");

  await remove();
  await page.getByRole("list", { name: "Messages" }).getByRole("button", { name: "Dismiss" }).click();
  await expect(row(page, "removed.mp4")).toBeHidden();
  const onTheServer = async () => (await fetch(`${service.api}/api/v1/videos`)).text();
  await expect.poll(onTheServer).not.toContain("removed");
});

test("uploads are paused, resumed, cancelled and had back", async ({ page, service }) => {
  const parts = new SentParts(page);
  await page.goto("/");
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
  const onTheServer = async () => (await fetch(`${service.api}/api/v1/videos`)).text();
  await expect.poll(onTheServer).not.toContain("pauses");
});

test("leaving asks first while something is sent, and only then", async ({ page }) => {
  await page.goto("/");
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

test("the screen stays on while something is sent, and only then", async ({ page }) => {
  await page.addInitScript(() => {
    const locks: WakeLockSentinel[] = [];
    const request = WakeLock.prototype.request;
    WakeLock.prototype.request = async function (type) {
      const lock = await request.call(this, type);
      locks.push(lock);
      return lock;
    };
    Object.assign(window, { isKeptOn: () => locks.some(({ released }) => !released) });
  });
  const isKeptOn = () => page.evaluate("isKeptOn()");
  await page.goto("/");
  const link = await Link.of(page);
  await link.slow(2 * MB);
  expect(await isKeptOn()).toBe(false);
  await drop(page, await film(folder.path, "awake.mp4", 12 * MB));
  await expect.poll(isKeptOn).toBe(true);
  await link.free();
  await expect(row(page, "awake.mp4")).toContainText(/Uploaded|Ready/);
  await expect.poll(isKeptOn).toBe(false);
});

test("on a phone the panel is its head until it is unfolded, by keyboard too", async ({ page }) => {
  await page.setViewportSize({ width: 390, height: 844 });
  await page.goto("/");
  const link = await Link.of(page);
  await link.slow(1 * MB);
  await drop(page, await film(folder.path, "phone.mp4", 12 * MB));
  const head = panel(page).getByRole("button", { name: /Uploading/ });
  await expect(head).toHaveAttribute("aria-expanded", "false");
  await expect(row(page, "phone.mp4")).toBeHidden();
  await head.press("Enter");
  const progress = panel(page).getByRole("progressbar", { name: "phone.mp4" });
  await expect(progress).toHaveAttribute("aria-valuetext", /of 12.0 MB/);
  const box = (await panel(page).boundingBox())!;
  expect(box).toMatchObject({ x: 0 });
  expect(box.y + box.height).toBe(844);
});
