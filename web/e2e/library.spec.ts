import { clip } from "./media";
import { expect, test } from "./test";
import { announce, look, removeAll, upload, uploadText } from "./videos";

test.beforeEach(async ({ service }) => removeAll(service.api));

test.describe("a library", () => {
  test("without a video says what to do first", async ({ page }) => {
    await page.goto("/");
    await expect(page.getByRole("heading", { name: "Upload your first video" })).toBeVisible();
    await expect(page.getByRole("button", { name: "Choose files" })).toBeVisible();
  });

  test("shows a video from its upload until it is ready, and asks for the list once", async ({
    page,
    service,
  }) => {
    const asked: string[] = [];
    page.on("request", (request) => asked.push(`${request.method()} ${new URL(request.url()).pathname}`));
    await page.goto("/");
    await expect(page.getByRole("heading", { name: "Upload your first video" })).toBeVisible();

    const { id } = await upload(service.api, await clip({ secs: 20, size: "1280x720" }), "Harbour");
    const row = page.locator(`[data-video="${id}"]`);
    await expect(row.getByRole("link", { name: "Harbour" })).toBeVisible();
    const bar = row.getByRole("progressbar", { name: "720p of Harbour" });
    await expect(bar).toHaveAttribute("aria-valuetext", /^[1-9]\d* of 5 segments$/);
    await expect(row.getByText("Plays, still processing")).toBeVisible();
    await expect(row.getByText("Ready")).toBeVisible({ timeout: 60_000 });
    await expect(page.getByRole("status").filter({ hasText: "Harbour is ready" })).toBeAttached();
    await expect(row).toContainText("1280 × 720");
    await expect(row).toContainText("0:20");
    await expect
      .poll(() => row.locator("img").evaluate((still: HTMLImageElement) => still.naturalWidth))
      .toBeGreaterThan(0);

    expect(asked.filter((one) => one === "GET /api/v1/videos")).toHaveLength(1);
    expect(asked.filter((one) => one === `GET /api/v1/videos/${id}`)).toHaveLength(0);
  });

  test("says why a file failed", async ({ page, service }) => {
    const { id } = await uploadText(service.api, "Diary");
    await page.goto("/");
    const row = page.locator(`[data-video="${id}"]`);
    await expect(row.getByText("Failed", { exact: true })).toBeVisible();
    await expect(row).toContainText("This is not a video file but text");
    await row.getByRole("button", { name: "More for Diary" }).click();
    await page.getByRole("menuitem", { name: "Why it failed" }).click();
    await expect(page.getByRole("dialog")).toContainText("not_video");
    await page.keyboard.press("Escape");
    await expect(page.getByRole("dialog")).toBeHidden();
  });

  test("shows a title as text, whatever is in it", async ({ page, service, complaints }) => {
    const title = `<img src=x onerror="document.title='owned'"> & <b>bold</b>`;
    await announce(service.api, title);
    await page.goto("/");
    await expect(page.getByRole("link", { name: title })).toBeVisible();
    await expect(page).toHaveTitle("Videos · StreamForge");
    expect(complaints).toEqual([]);
  });
});

test.describe("a video", () => {
  test("is renamed in place, and every open page shows it", async ({ page, context, service }) => {
    const id = await announce(service.api, "Holidy");
    const other = await context.newPage();
    await Promise.all([page.goto("/"), other.goto("/")]);
    await page.getByRole("link", { name: "Holidy" }).focus();
    await page.keyboard.press("F2");
    await page.getByRole("textbox", { name: "New title" }).fill("Holiday");
    await page.keyboard.press("Enter");
    await expect(page.getByRole("link", { name: "Holiday" })).toBeFocused();
    await expect(other.getByRole("link", { name: "Holiday" })).toBeVisible();
    await expect.poll(async () => (await look(service.api, id))?.title).toBe("Holiday");
  });

  test("keeps its title when one thinks better of it, or gives none", async ({ page, service }) => {
    await announce(service.api, "Holiday");
    await page.goto("/");
    for (const [text, key] of [
      ["Nonsense", "Escape"],
      ["   ", "Enter"],
    ] as const) {
      await page.getByRole("link", { name: "Holiday" }).focus();
      await page.keyboard.press("F2");
      await page.getByRole("textbox", { name: "New title" }).fill(text);
      await page.keyboard.press(key);
      await expect(page.getByRole("link", { name: "Holiday" })).toBeFocused();
    }
  });

  test("gets its title back when the service does not take the new one", async ({ page, service }) => {
    await announce(service.api, "Holiday");
    await page.goto("/");
    await page.route("**/api/v1/videos/*", (route) =>
      route.fulfill({
        status: 400,
        contentType: "application/problem+json",
        body: JSON.stringify({
          type: "/problems/invalid-request",
          detail: "a title has 1 to 200 characters",
        }),
      }),
    );
    await page.getByRole("button", { name: "More for Holiday" }).click();
    await page.getByRole("menuitem", { name: "Rename" }).click();
    await page.getByRole("textbox", { name: "New title" }).fill("Refused");
    await page.keyboard.press("Enter");
    await expect(page.getByText("“Refused” was not saved. A title has 1 to 200 characters.")).toBeVisible();
    await expect(page.getByRole("link", { name: "Holiday" })).toBeVisible();
  });

  test("that was deleted can be brought back, and is gone for good once nobody does", async ({
    page,
    service,
  }) => {
    const id = await announce(service.api, "Holiday");
    await page.goto("/");
    const link = page.getByRole("link", { name: "Holiday" });
    await link.focus();
    await page.keyboard.press("Delete");
    await expect(link).toBeHidden();
    const undo = page.getByRole("button", { name: "Undo" });
    await undo.click();
    await expect(link).toBeVisible();
    expect(await look(service.api, id)).toBeDefined();
    await expect(undo).toBeHidden();

    await page.getByRole("button", { name: "More for Holiday" }).click();
    await page.getByRole("menuitem", { name: "Delete" }).click();
    await page.getByRole("button", { name: "Dismiss" }).click();
    await expect.poll(() => look(service.api, id)).toBeUndefined();
    await page.reload();
    await expect(page.getByRole("heading", { name: "Upload your first video" })).toBeVisible();
  });

  test("takes no focus back from where one clicks while it is renamed", async ({ page, service }) => {
    const id = await announce(service.api, "Holidy");
    await page.goto("/");
    await page.getByRole("link", { name: "Holidy" }).focus();
    await page.keyboard.press("F2");
    await page.getByRole("textbox", { name: "New title" }).fill("Holiday");
    await page.getByRole("searchbox").click();
    await expect.poll(async () => (await look(service.api, id))?.title).toBe("Holiday");
    await expect(page.getByRole("link", { name: "Holiday" })).toBeVisible();
    await expect(page.getByRole("searchbox")).toBeFocused();
  });

  test("that was the last is brought back by key, with the library empty", async ({ page, service }) => {
    await announce(service.api, "Holiday");
    await page.goto("/");
    await page.getByRole("button", { name: "More for Holiday" }).click();
    await page.getByRole("menuitem", { name: "Delete" }).click();
    await expect(page.getByRole("heading", { name: "Upload your first video" })).toBeVisible();
    await expect(page.getByRole("main"), "the list has gone").toBeFocused();
    await page.keyboard.press("?");
    await expect(page.getByRole("dialog", { name: "Keyboard shortcuts" })).toBeVisible();
    await page.keyboard.press("Escape");
    await page.keyboard.press("Control+z");
    await expect(page.getByRole("link", { name: "Holiday" })).toBeVisible();
  });

  test("that was deleted is gone when one leaves the page meanwhile", async ({ page, service }) => {
    const id = await announce(service.api, "Holiday");
    await page.goto("/");
    await page.getByRole("link", { name: "Holiday" }).focus();
    await page.keyboard.press("Delete");
    await expect(page.getByText("Deleted “Holiday”")).toBeVisible();
    await page.goto("about:blank");
    await expect.poll(() => look(service.api, id)).toBeUndefined();
  });

  test("disappears from every page when it is deleted on another one", async ({ page, service }) => {
    await announce(service.api, "Holiday");
    await page.goto("/");
    await expect(page.getByRole("link", { name: "Holiday" })).toBeVisible();
    await removeAll(service.api);
    await expect(page.getByRole("heading", { name: "Upload your first video" })).toBeVisible();
  });

  test("is shared by its link", async ({ page, context, service }) => {
    await context.grantPermissions(["clipboard-read", "clipboard-write"]);
    const id = await announce(service.api, "Holiday");
    await page.goto("/");
    await page.getByRole("button", { name: "Copy link to Holiday" }).click();
    await expect(page.getByText("Link copied")).toBeVisible();
    expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(`${service.origin}/watch/${id}`);
  });
});

test.describe("what one looks for", () => {
  test.beforeEach(async ({ service }) => {
    await announce(service.api, "Harbour 10", 3_000_000);
    await announce(service.api, "Harbour 9", 9_000_000);
    await announce(service.api, "Forêt", 5_000_000);
    await uploadText(service.api, "Diary");
  });

  test("is found by filter, search and order, and all of it survives a reload", async ({ page }) => {
    await page.goto("/");
    const titles = page.locator("[data-title]");
    await expect(titles).toHaveText(["Diary", "Forêt", "Harbour 9", "Harbour 10"]);
    await page.getByRole("combobox", { name: "Order" }).selectOption("Title");
    await expect(titles).toHaveText(["Diary", "Forêt", "Harbour 9", "Harbour 10"]);
    await page.getByRole("button", { name: "In progress 3" }).click();
    await page.getByRole("searchbox").fill("harbour");
    await expect(titles).toHaveText(["Harbour 9", "Harbour 10"]);
    await page.reload();
    await expect(titles).toHaveText(["Harbour 9", "Harbour 10"]);
    await expect(page.getByRole("searchbox")).toHaveValue("harbour");
    await expect(page.getByRole("button", { name: "In progress 3" })).toHaveAttribute("aria-pressed", "true");
    await page.getByRole("searchbox").fill("foret");
    await expect(titles).toHaveText(["Forêt"]);
  });

  test("and is not there leads back to all videos", async ({ page }) => {
    await page.goto("/?q=nothing+like+it");
    await expect(page.getByRole("heading", { name: "Nothing matches “nothing like it”" })).toBeVisible();
    await page.getByRole("button", { name: "Show all videos" }).click();
    await expect(page.locator("[data-title]")).toHaveCount(4);
    await expect(page).toHaveURL("/");
  });

  test("is reached and handled by keyboard alone", async ({ page }) => {
    await page.goto("/?sort=title");
    const title = (name: string) => page.getByRole("link", { name, exact: true });
    await expect(title("Diary")).toBeVisible();
    await page.keyboard.press("/");
    await expect(page.getByRole("searchbox")).toBeFocused();
    await page.keyboard.press("ArrowDown");
    await expect(title("Diary")).toBeFocused();
    await page.keyboard.press("ArrowDown");
    await expect(title("Forêt")).toBeFocused();
    await page.keyboard.press("End");
    await expect(title("Harbour 10")).toBeFocused();
    await page.keyboard.press("Shift+ArrowUp");
    await expect(title("Harbour 9")).toBeFocused();
    await expect(page.getByText("2 selected")).toBeVisible();
    await page.keyboard.press("Delete");
    await expect(page.locator("[data-title]")).toHaveText(["Diary", "Forêt"]);
    await expect(title("Forêt")).toBeFocused();
    await page.keyboard.press("Control+z");
    await expect(page.locator("[data-title]")).toHaveCount(4);
    await title("Forêt").focus();
    await page.keyboard.press("?");
    await expect(page.getByRole("dialog", { name: "Keyboard shortcuts" })).toBeVisible();
    await page.keyboard.press("Escape");
    await expect(title("Forêt")).toBeFocused();
    await page.keyboard.press("Enter");
    await expect(page).toHaveURL(/\/watch\//);
  });

  test("is handled together", async ({ page, context, service }) => {
    await context.grantPermissions(["clipboard-read", "clipboard-write"]);
    await page.goto("/");
    await page.getByRole("button", { name: "Select videos" }).click();
    await page.getByRole("checkbox", { name: "Select Diary" }).check();
    await page.getByRole("checkbox", { name: "Select Harbour 9" }).click({ modifiers: ["Shift"] });
    await expect(page.getByText("3 selected")).toBeVisible();
    const between = page.getByRole("checkbox", { name: "Select Forêt" });
    await between.click({ modifiers: ["Shift"] });
    await expect(page.getByText("3 selected")).toBeVisible();
    await expect(between, "it shows what it is").toBeChecked();
    await page.getByRole("button", { name: "Copy links" }).click();
    const links = await page.evaluate(() => navigator.clipboard.readText());
    expect(links.split("\n")).toHaveLength(3);

    await page.getByRole("link", { name: "Diary" }).focus();
    await page.keyboard.press("Control+a");
    await page.getByRole("button", { name: "Delete", exact: true }).click();
    await expect(page.getByText("Deleted 4 videos")).toBeVisible();
    await page.getByRole("button", { name: "Dismiss" }).last().click();
    await expect
      .poll(async () => (await (await fetch(`${service.api}/api/v1/videos`)).json()).videos)
      .toEqual([]);
  });

  test("keeps the focus when something goes away", async ({ page }) => {
    await page.goto("/?sort=title");
    const title = (name: string) => page.getByRole("link", { name, exact: true });
    const select = page.getByRole("button", { name: "Select videos" });
    await page.getByRole("button", { name: "More for Diary" }).click();
    await page.getByRole("menuitem", { name: "Delete" }).click();
    await expect(title("Forêt"), "what comes after it").toBeFocused();
    await select.click();
    await expect(page.getByRole("button", { name: "Select all" })).toBeFocused();
    await page.getByRole("button", { name: "Done" }).click();
    await expect(select).toBeFocused();
    await select.click();
    await page.keyboard.press("Escape");
    await expect(select).toBeFocused();

    await select.click();
    await page.getByRole("checkbox", { name: "Select Forêt" }).check();
    await page.getByRole("button", { name: "Delete", exact: true }).click();
    await expect(title("Forêt")).toBeHidden();
    await expect(select).toBeFocused();
    await select.click();
    await page.getByRole("button", { name: "Select all" }).click();
    await page.getByRole("button", { name: "Delete", exact: true }).click();
    await expect(page.getByRole("heading", { name: "Upload your first video" })).toBeVisible();
    await expect(page.getByRole("main")).toBeFocused();
  });

  test("is chosen no more when it has gone", async ({ page, service }) => {
    await page.goto("/");
    await page.getByRole("link", { name: "Diary" }).focus();
    await page.keyboard.press("Space");
    await expect(page.getByText("1 selected")).toBeVisible();
    await removeAll(service.api);
    await announce(service.api, "Another");
    await expect(page.getByRole("link", { name: "Another" })).toBeVisible();
    await expect(page.getByRole("toolbar")).toBeHidden();
  });
});

test.describe("on a phone", () => {
  test.use({ viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });

  test("a tap on a still leads to the video, wherever it is", async ({ page, service }) => {
    const id = await announce(service.api, "Holiday");
    await page.goto("/");
    const still = (await page.locator(`[data-video="${id}"] a`).first().boundingBox())!;
    await page.touchscreen.tap(still.x + 12, still.y + 12);
    await expect(page).toHaveURL(`/watch/${id}`);

    await page.goBack();
    await page.getByRole("button", { name: "Select videos" }).tap();
    await page.touchscreen.tap(still.x + 12, still.y + 12);
    await expect(page.getByText("1 selected")).toBeVisible();
  });
});
