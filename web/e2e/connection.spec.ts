import { drop, film, type Scratch, scratchFolder } from "./files";
import { expect, test } from "./test";
import { announce, removeAll } from "./videos";

let folder: Scratch;

test.beforeAll(async () => {
  folder = await scratchFolder();
});

test.afterAll(() => folder.remove());

test.beforeEach(async ({ service }) => removeAll(service.api));

test("without a stream of events the list is asked for, until the stream is back", async ({
  page,
  service,
}) => {
  let lists = 0;
  page.on("request", (request) => {
    if (new URL(request.url()).pathname === "/api/v1/videos") lists += 1;
  });
  await page.route("**/api/v1/events", (route) => route.abort());
  await announce(service.api, "First");
  await page.goto("/");
  await expect(page.getByRole("link", { name: "First" })).toBeVisible();
  await expect(page.getByText("Live updates are interrupted.")).toBeVisible();
  await announce(service.api, "Second");
  await expect(page.getByRole("link", { name: "Second" })).toBeVisible();

  await page.unroute("**/api/v1/events");
  await expect(page.getByText("Live updates are interrupted.")).toBeHidden();
  const listsBefore = lists;
  await announce(service.api, "Third");
  await expect(page.getByRole("link", { name: "Third" })).toBeVisible();
  expect(lists).toBe(listsBefore);
});

test("a device that is offline is told so, and catches up when it is back", async ({
  page,
  context,
  service,
}) => {
  await announce(service.api, "Before");
  await page.goto("/");
  await expect(page.getByRole("link", { name: "Before" })).toBeVisible();
  await context.setOffline(true);
  await expect(page.getByText("You are offline.").first()).toBeVisible();
  await announce(service.api, "Meanwhile");
  await context.setOffline(false);
  await expect(page.getByText("You are offline.")).toHaveCount(0);
  await expect(page.getByRole("link", { name: "Meanwhile" })).toBeVisible();
});

test("a service that comes back goes on being followed", async ({ page, service }) => {
  await announce(service.api, "Before");
  await page.goto("/");
  await expect(page.getByRole("link", { name: "Before" })).toBeVisible();
  await service.kill();
  await expect(page.getByText("StreamForge does not answer.")).toBeVisible({ timeout: 30_000 });
  await service.restart();
  await announce(service.api, "After");
  await expect(page.getByRole("link", { name: "After" })).toBeVisible({ timeout: 30_000 });
  await expect(page.getByText("StreamForge does not answer.")).toBeHidden();
});

test("a list that does not come says so, and can be asked for again", async ({ page, service }) => {
  await announce(service.api, "Film");
  await page.route("**/api/v1/{videos*,events}", (route) => route.fulfill({ status: 500, body: "" }));
  await page.clock.install();
  await page.goto("/");
  await expect(page.getByRole("heading", { name: "Your videos did not load" })).toBeVisible();
  // From here on no time passes, so that the page does not ask by itself before it is told to.
  await page.clock.pauseAt(Date.now() + 1000);
  await page.unroute("**/api/v1/{videos*,events}");
  await page.getByRole("button", { name: "Try again" }).click();
  await expect(page.getByRole("link", { name: "Film" })).toBeVisible();
  await expect(page.locator("#content"), "from where one can go on by keyboard").toBeFocused();
});

test("an unknown address leads home", async ({ page }) => {
  await page.goto("/no/such/page");
  await expect(page.getByRole("heading", { name: "There is no such page" })).toBeVisible();
  await page.getByRole("button", { name: "See all videos" }).click();
  await expect(page).toHaveURL("/");
});

test("a chosen theme stays", async ({ page }) => {
  await page.goto("/");
  const ground = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
  const light = await ground();
  await page.getByRole("button", { name: "Theme: system" }).click();
  await page.getByRole("button", { name: "Theme: light" }).click();
  await expect(page.getByRole("button", { name: "Theme: dark" })).toBeVisible();
  expect(await ground()).not.toBe(light);
  await page.reload();
  await expect(page.getByRole("button", { name: "Theme: dark" })).toBeVisible();
  expect(await ground()).not.toBe(light);
});

test("a browser that keeps nothing shows every page, and uploads", async ({ page, service }) => {
  // As Firefox does where cookies are forbidden.
  await page.addInitScript(() => {
    const refuse = () => {
      throw new DOMException("The operation is insecure.", "SecurityError");
    };
    globalThis.BroadcastChannel = class {
      constructor() {
        refuse();
      }
    } as unknown as typeof BroadcastChannel;
    for (const name of ["localStorage", "sessionStorage", "indexedDB"])
      Object.defineProperty(globalThis, name, { get: refuse });
    LockManager.prototype.request = async () => refuse();
  });
  const id = await announce(service.api, "Film");
  await page.goto(`/embed/${id}`);
  await expect(page.getByText(/being uploaded|not been uploaded|upload/i).first()).toBeVisible();
  await page.goto("/");
  await expect(page.getByRole("link", { name: "Film" })).toBeVisible();
  await page.getByRole("button", { name: "Theme: system" }).click();
  await expect(page.getByRole("button", { name: "Theme: light" })).toBeVisible();
  await drop(page, await film(folder.path, "kept nowhere.mp4", 2_000_000));
  await expect(page.getByRole("listitem").filter({ hasText: "kept nowhere.mp4" })).toContainText(
    /Uploaded|Ready/,
  );
});
