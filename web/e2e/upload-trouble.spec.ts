// What happens to uploads when things go wrong: nothing is lost, nothing is sent twice.

import { utimes } from "node:fs/promises";
import { type BrowserContext, type Page, type Route } from "@playwright/test";
import { drop, film, type Scratch, scratchFolder } from "./files";
import { Link, SentParts } from "./link";
import { type Service, startService } from "./server";
import { expect, test } from "./test";
import { Wire } from "./wire";

const MB = 1_000_000;

/** Five parts, and a bit. */
const SIZE = 55 * MB;

/** All of them. */
const PARTS = [1, 2, 3, 4, 5, 6];

/** A speed at which a part takes some seconds. */
const SLOW = 8 * MB;

let service: Service;
/** Between the page and the storage. */
let wire: Wire;
let folder: Scratch;

test.beforeAll(async () => {
  service = await startService({
    beforeStorage: async (port) => {
      wire = await Wire.to(port);
      return wire.port;
    },
  });
  folder = await scratchFolder();
});

test.afterAll(async () => {
  await service.close();
  wire.close();
  await folder.remove();
});

const panel = (page: Page) => page.getByRole("region", { name: /upload/i });
const row = (page: Page, name: string) => panel(page).getByRole("listitem").filter({ hasText: name });

/** Begins an upload and waits until some of its parts are through. */
async function halfWay(page: Page, name: string): Promise<{ parts: SentParts; link: Link; file: string }> {
  const parts = new SentParts(page);
  await page.goto(service.origin);
  const link = await Link.of(page);
  await link.slow(SLOW);
  const file = await film(folder.path, name, SIZE);
  await drop(page, file);
  await expect.poll(() => parts.taken.length).toBeGreaterThanOrEqual(2);
  return { parts, link, file };
}

/** All parts are there, and none of those that were `taken` before was sent again. */
function expectTheRest(parts: SentParts, taken: number[]): void {
  expect(
    parts.begun.filter((part) => taken.includes(part)),
    "nothing goes twice",
  ).toEqual([]);
  expect([...taken, ...parts.taken].sort()).toEqual(PARTS);
}

/** Reloads the page, as one who says that it may be left. */
async function reload(page: Page): Promise<void> {
  page.once("dialog", (dialog) => void dialog.accept());
  await page.reload();
}

/** Has the page do without handles, as Firefox and Safari do. */
async function withoutHandles(context: BrowserContext): Promise<void> {
  await context.addInitScript(() => {
    delete window.showOpenFilePicker;
    delete (DataTransferItem.prototype as { getAsFileSystemHandle?: unknown }).getAsFileSystemHandle;
  });
}

test("parts that a broken wire cuts are sent again, and no others", async ({ page }) => {
  const { parts } = await halfWay(page, "wire.mp4");
  // More are on their way than have arrived.
  await expect.poll(() => parts.begun.length).toBeGreaterThan(parts.taken.length);
  wire.cut();
  await expect(panel(page)).toContainText("The storage does not answer.");
  const taken = [...parts.taken];
  expect(taken.length).toBeLessThan(parts.begun.length);
  parts.clear();
  wire.mend();
  await panel(page).getByRole("button", { name: "Try now" }).click();

  await expect(row(page, "wire.mp4")).toContainText(/Uploaded|Ready/);
  await expect(panel(page)).not.toContainText("does not answer");
  expect([...taken, ...parts.taken].sort()).toEqual(PARTS);
});

test("a device that is offline goes on when it is back", async ({ page }) => {
  const { parts, link } = await halfWay(page, "train.mp4");
  await link.cut();
  await expect(panel(page)).toContainText("You are offline.");
  const taken = [...parts.taken];
  parts.clear();
  await link.free();

  await expect(row(page, "train.mp4")).toContainText(/Uploaded|Ready/);
  await expect(panel(page)).not.toContainText("offline");
  expectTheRest(parts, taken);
});

test("a device that is offline while its file is joined goes on, and has it joined once", async ({
  page,
}) => {
  const parts = new SentParts(page);
  const joined: number[] = [];
  page.on("response", (response) => {
    if (response.url().endsWith("/complete")) joined.push(response.status());
  });
  await page.goto(service.origin);
  const link = await Link.of(page);
  let isFirst = true;
  await page.route("**/api/v1/uploads/*/complete", async (route) => {
    if (!isFirst) return route.continue();
    isFirst = false;
    await link.cut();
    await route.abort("internetdisconnected");
  });
  await drop(page, await film(folder.path, "tunnel.mp4", 25 * MB));
  await expect(panel(page)).toContainText("You are offline.");
  expect(joined).toEqual([]);
  await link.free();

  await expect(row(page, "tunnel.mp4")).toContainText(/Uploaded|Ready/);
  expect(joined.filter((status) => status === 200)).toHaveLength(1);
  expect(parts.begun.sort(), "nothing goes twice").toEqual([1, 2, 3]);
});

test("a storage that is out of order is waited for", async ({ page }) => {
  const refuse = async (route: Route) => {
    if (route.request().method() !== "PUT") return route.continue();
    await route.fulfill({
      status: 503,
      headers: { "access-control-allow-origin": "*" },
      body: "<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>",
    });
  };
  await page.route(/partNumber=/, refuse);
  await page.goto(service.origin);
  await drop(page, await film(folder.path, "outage.mp4", 25 * MB));
  await expect(panel(page)).toContainText("The storage takes no files at the moment.");
  await expect(panel(page)).toContainText("It answered 503: Please reduce your request rate.");
  await page.unroute(/partNumber=/, refuse);

  await expect(row(page, "outage.mp4")).toContainText(/Uploaded|Ready/);
  await expect(panel(page)).not.toContainText("at the moment");
});

test("a page whose release is not there any more says to load the new one", async ({ page }) => {
  let isGone = true;
  await page.route("**/assets/checksum.worker*", (route) =>
    isGone ? route.fulfill({ status: 404, body: "" }) : route.continue(),
  );
  await page.goto(service.origin);
  await drop(page, await film(folder.path, "release.mp4", 12 * MB));
  await expect(row(page, "release.mp4")).toContainText(
    "could not start what reads the file. Reload the page",
  );
  isGone = false;
  await row(page, "release.mp4").getByRole("button", { name: "Try again release.mp4" }).click();
  await expect(row(page, "release.mp4")).toContainText(/Uploaded|Ready/);
});

test("all that failed is tried again at once", async ({ page }) => {
  const workers = "**/assets/checksum.worker*";
  await page.route(workers, (route) => route.fulfill({ status: 404, body: "" }));
  await page.goto(service.origin);
  const names = ["one.mp4", "two.mp4"];
  await drop(page, ...(await Promise.all(names.map((name) => film(folder.path, name, 2 * MB)))));
  for (const name of names) await expect(row(page, name)).toContainText("could not start");
  await page.unroute(workers);
  await page.getByRole("button", { name: "All uploads" }).click();
  await page.getByRole("menuitem", { name: "Try all again" }).click();
  for (const name of names) await expect(row(page, name)).toContainText(/Uploaded|Ready/);
});

test("a device that sleeps in between goes on when it wakes", async ({ page }) => {
  const { parts, link } = await halfWay(page, "sleep.mp4");
  const protocol = await page.context().newCDPSession(page);
  await protocol.send("Page.setWebLifecycleState", { state: "frozen" });
  wire.cut();
  // Long enough for the storage to be done with what it was sent.
  await new Promise((resolve) => setTimeout(resolve, 3000));
  wire.mend();
  await protocol.send("Page.setWebLifecycleState", { state: "active" });
  const taken = [...parts.taken];
  parts.clear();
  await link.free();

  await expect(row(page, "sleep.mp4")).toContainText(/Uploaded|Ready/);
  expectTheRest(parts, taken);
});

test("a file whose upload could not be deleted can be given again", async ({ page }) => {
  const { link, file } = await halfWay(page, "unwanted.mp4");
  await page.route("**/api/v1/uploads/*", (route) =>
    route.request().method() === "DELETE" ? route.abort() : route.continue(),
  );
  await page.getByRole("button", { name: "Cancel unwanted.mp4" }).click();
  await expect(row(page, "unwanted.mp4")).toBeHidden();
  await link.free();
  await drop(page, file);
  await expect(row(page, "unwanted.mp4")).toContainText(/Uploaded|Ready/);
});

test("a service that crashes in the middle of a part is waited for", async ({ page }) => {
  const { parts, link } = await halfWay(page, "crash.mp4");
  await service.kill();
  await expect(panel(page)).toContainText("does not answer.");
  const taken = [...parts.taken];
  parts.clear();
  await link.free();
  await service.restart();
  await expect(row(page, "crash.mp4")).toContainText(/Uploaded|Ready/);
  expectTheRest(parts, taken);
});

test("after a reload it goes on by itself where the browser keeps files, and sends only what is missing", async ({
  page,
}) => {
  const { parts, link } = await halfWay(page, "reload.mp4");
  const takenBytes = await parts.takenBytes();
  const taken = [...parts.taken];
  await reload(page);
  parts.clear();
  await link.free();

  await expect(row(page, "reload.mp4")).toContainText(/Uploaded|Ready/);
  expectTheRest(parts, taken);
  expect(takenBytes + (await parts.takenBytes())).toBe(SIZE);
});

test("after a reload it goes on when its file is chosen again, and no other file will do", async ({
  page,
  context,
}) => {
  await withoutHandles(context);
  const { parts, link, file } = await halfWay(page, "again.mp4");
  const taken = [...parts.taken];
  await reload(page);
  parts.clear();
  await link.free();
  const upload = row(page, "again.mp4");
  await expect(upload).toContainText(/Interrupted at \d\d %. Choose the file again/);

  const choose = async (path: string) => {
    const chooser = page.waitForEvent("filechooser");
    await upload.getByRole("button", { name: "Choose file" }).click();
    await (await chooser).setFiles(path);
  };
  await choose(await film(folder.path, "other.mp4", 2 * MB));
  await expect(upload).toContainText("other.mp4 is another file");
  await choose(file);

  await expect(upload).toContainText(/Uploaded|Ready/);
  expectTheRest(parts, taken);
});

test("a file that was changed meanwhile is not mixed with what was sent of it", async ({ page }) => {
  const { file } = await halfWay(page, "changes.mp4");
  await reload(page);
  await page.getByRole("button", { name: "Pause changes.mp4" }).click();
  await utimes(file, new Date(), new Date());
  await page.getByRole("button", { name: "Resume changes.mp4" }).click();
  await expect(row(page, "changes.mp4")).toContainText("The file was changed, moved or deleted.");
});

test("what stands still stays so over a reload", async ({ page }) => {
  const { link } = await halfWay(page, "still.mp4");
  // It must not come to its end before it is stopped.
  await link.slow(MB);
  await page.getByRole("button", { name: "Pause still.mp4" }).click();
  const parts = new SentParts(page);
  // It asks nothing, for nothing is being sent.
  await page.reload();
  await expect(row(page, "still.mp4")).toContainText(/Interrupted at \d\d %. Continue/);
  expect(parts.begun).toEqual([]);
  await link.free();
  await row(page, "still.mp4").getByRole("button", { name: "Continue" }).click();
  await expect(row(page, "still.mp4")).toContainText(/Uploaded|Ready/);
});

test("two tabs do not send the same file, and one goes on when the other is closed", async ({ context }) => {
  const [first, second] = [await context.newPage(), await context.newPage()];
  await second.goto(service.origin);
  const elsewhere = new SentParts(second);
  const { parts, file } = await halfWay(first, "tabs.mp4");
  const upload = row(second, "tabs.mp4");
  await expect(upload).toContainText(/Another tab is sending it, [1-9]/);
  await drop(second, file);
  await expect(upload).toContainText("Another tab is sending it");
  expect(elsewhere.begun).toEqual([]);

  await first.getByRole("button", { name: "Pause tabs.mp4" }).click();
  await expect(upload).toContainText(/Paused in another tab, [1-9]/);
  await first.getByRole("button", { name: "Resume tabs.mp4" }).click();
  await expect(upload).toContainText("Another tab is sending it");
  expect(elsewhere.begun).toEqual([]);

  await first.close();
  await expect(upload).toContainText(/Uploaded|Ready/);
  expect([...parts.taken, ...elsewhere.taken].sort()).toEqual(PARTS);
});

test("an expired URL is signed again", async ({ page }) => {
  const expired: string[] = [];
  await page.route(/partNumber=2/, async (route) => {
    if (route.request().method() !== "PUT" || expired.length > 0) return route.continue();
    expired.push(route.request().url());
    await route.fulfill({
      status: 403,
      headers: { "access-control-allow-origin": "*" },
      body: "<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>",
    });
  });
  const parts = new SentParts(page);
  await page.goto(service.origin);
  await drop(page, await film(folder.path, "expired.mp4", 25 * MB));
  await expect(row(page, "expired.mp4")).toContainText(/Uploaded|Ready/);
  expect(expired).toHaveLength(1);
  expect(parts.taken.sort()).toEqual([1, 2, 3]);
});

test("an upload that is deleted elsewhere ends in words, and begins anew when that is wanted", async ({
  page,
}) => {
  const { link } = await halfWay(page, "deleted.mp4");
  const { videos } = await (await fetch(`${service.api}/api/v1/videos?status=uploading`)).json();
  const video = videos.find(({ title }: { title: string }) => title === "deleted");
  await fetch(`${service.api}/api/v1/videos/${video.id}`, { method: "DELETE" });
  const upload = row(page, "deleted.mp4");
  await expect(upload).toContainText("The service does not have this upload any more.");
  await link.free();
  await upload.getByRole("button", { name: "Try again" }).click();
  await expect(upload).toContainText(/Uploaded|Ready/);
});
