// Every page and the main states of it, each said once: for the tests of accessibility and for the screenshots.

import { mkdir, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, type Page } from "@playwright/test";
import { member } from "./crowd";
import { drop, film } from "./files";
import { landscape } from "./landscape";
import { Link } from "./link";
import type { Stage } from "./stage";
import { announce, look, upload } from "./videos";
import { Watching } from "./watching";

export interface State {
  name: string;
  /** Brings the page there. */
  show(page: Page, stage: Stage): Promise<void>;
}

async function library(page: Page, { library }: Stage, query = ""): Promise<void> {
  await page.goto(library.origin + "/" + query);
  await expect(page.getByRole("progressbar")).not.toHaveCount(0);
  await expect
    .poll(() =>
      page
        .locator("img")
        .evaluateAll((stills) => stills.every((still) => (still as HTMLImageElement).complete)),
    )
    .toBe(true);
}

async function menu(page: Page, of: string): Promise<void> {
  await page.getByRole("button", { name: `More for ${of}` }).click();
  await expect(page.getByRole("menu", { name: `More for ${of}` })).toBeVisible();
}

const uploads = (page: Page) => page.locator("section", { hasText: "Uploading" }).last();

/** Sends three files over a slow line, one of which is no video. */
async function uploading(page: Page, { service, tidy }: Stage): Promise<Link> {
  await tidy();
  await page.goto(service.origin);
  await expect(page.locator("[data-video]").first()).toBeVisible();
  const link = await Link.of(page);
  await link.slow(3_000_000);
  // The page reads the files while it sends them, so they stay.
  const folder = path.join(tmpdir(), "streamforge-web-media", "uploads");
  await mkdir(folder, { recursive: true });
  const notes = path.join(folder, "shot list.txt");
  await writeFile(notes, "1. Harbour, wide\n");
  await drop(
    page,
    await film(folder, "Interview, camera B.mp4", 61_000_000),
    await film(folder, "Drone, take 4.mp4", 38_000_000),
    notes,
  );
  await unfold(page, /Uploading/);
  return link;
}

/** Shows the uploads one by one: on a phone their panel is its head alone, which says `title`. */
async function unfold(page: Page, title: RegExp): Promise<void> {
  const toggle = page.getByRole("button", { name: title });
  await expect(toggle).toBeVisible();
  if ((await toggle.getAttribute("aria-expanded")) === "false") await toggle.click();
}

/** Opens a film that is ready, some way in and standing still. */
async function watch(page: Page, { service, films }: Stage): Promise<Watching> {
  const watching = new Watching(page);
  await watching.open(`${service.origin}/watch/${films[0]!.id}`);
  await page.keyboard.press("4");
  await expect.poll(() => watching.time()).toBeGreaterThan(20);
  if (!(await watching.read((video) => video.paused))) await page.keyboard.press("k");
  await watching.canPlay();
  // A key that jumps shows for a moment where to.
  await expect(page.getByTestId("still")).toBeHidden();
  return watching;
}

/** Opens a film of which the beginning is processed. */
async function watchEarly(page: Page, { service, tidy }: Stage): Promise<Watching> {
  await tidy();
  const { id } = await upload(service.api, await landscape("dawn", 240), "First light, uncut");
  const percent = async () => (await look(service.api, id))?.progress?.percent ?? 0;
  await expect.poll(percent, { timeout: 60_000 }).toBeGreaterThan(15);
  const watching = new Watching(page);
  await watching.open(`${service.origin}/watch/${id}`);
  return watching;
}

export const STATES: State[] = [
  { name: "library", show: (page, stage) => library(page, stage) },
  {
    name: "library-empty",
    show: async (page, { nothing }) => {
      await page.goto(nothing.origin);
      await expect(page.getByRole("heading", { name: "Upload your first video" })).toBeVisible();
    },
  },
  {
    name: "library-loading",
    show: async (page, { library }) => {
      await page.route("**/api/v1/{videos*,events}", () => {});
      await page.goto(library.origin);
      await expect(page.getByText("Loading videos")).toBeAttached();
    },
  },
  {
    name: "library-not-loaded",
    show: async (page, { library }) => {
      await page.route("**/api/v1/{videos*,events}", (route) => route.fulfill({ status: 500, body: "" }));
      await page.goto(library.origin);
      await expect(page.getByRole("heading", { name: "Your videos did not load" })).toBeVisible();
    },
  },
  {
    name: "library-offline",
    show: async (page, stage) => {
      await library(page, stage);
      await page.context().setOffline(true);
      await expect(page.getByText("You are offline.").first()).toBeVisible();
    },
  },
  {
    name: "library-polling",
    show: async (page, stage) => {
      await page.route("**/api/v1/events", (route) => route.abort());
      await library(page, stage);
      await expect(page.getByText("Live updates are interrupted.")).toBeVisible();
    },
  },
  {
    name: "library-nothing-found",
    show: async (page, { library }) => {
      await page.goto(`${library.origin}/?q=sailing`);
      await expect(page.getByRole("heading", { name: /Nothing matches/ })).toBeVisible();
    },
  },
  {
    name: "library-selecting",
    show: async (page, stage) => {
      await library(page, stage);
      await page.getByRole("button", { name: "Select videos" }).click();
      for (const title of ["Interview, camera A", "First light over the valley"])
        await page.getByRole("checkbox", { name: `Select ${title}` }).check();
    },
  },
  {
    name: "library-menu",
    show: async (page, stage) => {
      await library(page, stage);
      await menu(page, "Interview, camera A");
    },
  },
  {
    name: "library-renaming",
    show: async (page, stage) => {
      await library(page, stage);
      await menu(page, "Interview, camera A");
      await page.getByRole("menuitem", { name: "Rename" }).click();
      await expect(page.getByRole("textbox", { name: "New title" })).toBeFocused();
    },
  },
  {
    name: "library-why-it-failed",
    show: async (page, stage) => {
      await library(page, stage);
      await menu(page, "Interview, camera A");
      await page.getByRole("menuitem", { name: "Why it failed" }).click();
      await expect(page.getByText("ffmpeg was stopped")).toBeVisible();
    },
  },
  {
    name: "library-deleted",
    show: async (page, stage) => {
      await library(page, stage);
      await menu(page, "rushes_0412.mov");
      await page.getByRole("menuitem", { name: "Delete" }).click();
      await expect(page.getByRole("button", { name: "Undo" })).toBeVisible();
    },
  },
  {
    name: "library-keys",
    show: async (page, stage) => {
      await library(page, stage);
      await page.keyboard.press("?");
      await expect(page.getByRole("dialog", { name: "Keyboard shortcuts" })).toBeVisible();
    },
  },
  {
    name: "uploads",
    show: async (page, stage) => {
      await uploading(page, stage);
      await expect(uploads(page)).toContainText(/MB\/s/);
    },
  },
  {
    name: "uploads-offline",
    show: async (page, stage) => {
      const link = await uploading(page, stage);
      await expect(uploads(page)).toContainText(/MB\/s/);
      await link.cut();
      await expect(uploads(page)).toContainText("You are offline");
      await expect(uploads(page)).not.toContainText(/MB\/s/);
    },
  },
  {
    name: "uploads-paused",
    show: async (page, stage) => {
      await uploading(page, stage);
      await expect(uploads(page)).toContainText(/MB\/s/);
      await page.getByRole("button", { name: "All uploads" }).click();
      await page.getByRole("menuitem", { name: "Pause all" }).click();
      await expect(page.getByText(/^Paused at/)).toHaveCount(2);
    },
  },
  {
    name: "uploads-interrupted",
    show: async (page, stage) => {
      // As browsers do that cannot keep handles.
      await page.addInitScript(
        () =>
          delete (DataTransferItem.prototype as { getAsFileSystemHandle?: unknown }).getAsFileSystemHandle,
      );
      await uploading(page, stage);
      await expect(uploads(page)).toContainText(/MB\/s/);
      page.once("dialog", (dialog) => void dialog.accept());
      await page.reload();
      await unfold(page, /interrupted/);
      await expect(page.getByRole("button", { name: /^Choose file/ })).toHaveCount(2);
    },
  },
  {
    name: "uploads-dropping",
    show: async (page, stage) => {
      await library(page, stage);
      const protocol = await page.context().newCDPSession(page);
      const data = { items: [], files: [await landscape("dawn", 64)], dragOperationsMask: 1 };
      for (const type of ["dragEnter", "dragOver"] as const)
        await protocol.send("Input.dispatchDragEvent", { type, x: 200, y: 300, data });
      await expect(page.getByText(/Drop/).first()).toBeVisible();
    },
  },
  {
    name: "watch",
    show: async (page, stage) => {
      const watching = await watch(page, stage);
      await watching.player.hover();
    },
  },
  {
    name: "watch-preview",
    show: async (page, stage) => {
      const watching = await watch(page, stage);
      await watching.player.hover();
      await watching.pointAt(44);
      await expect(page.getByTestId("still")).toBeVisible();
    },
  },
  {
    name: "watch-quality",
    show: async (page, stage) => {
      const watching = await watch(page, stage);
      await watching.player.hover();
      await page.getByRole("button", { name: "Settings" }).click();
      await page.getByRole("menuitem", { name: "Quality" }).click();
      await expect(page.getByRole("menuitemradio").first()).toBeVisible();
    },
  },
  {
    name: "watch-statistics",
    show: async (page, stage) => {
      const watching = await watch(page, stage);
      await watching.player.hover();
      await page.getByRole("button", { name: "Settings" }).click();
      await page.getByRole("menuitemcheckbox", { name: "Statistics" }).click();
      await expect(page.getByRole("region", { name: "Statistics" })).toBeVisible();
    },
  },
  {
    name: "watch-keys",
    show: async (page, stage) => {
      await watch(page, stage);
      await page.keyboard.press("?");
      await expect(page.getByRole("dialog")).toBeVisible();
    },
  },
  {
    name: "watch-connection-lost",
    show: async (page, { service, films }) => {
      await page.route("**/*.m4s", (route) => route.fulfill({ status: 503 }));
      await page.goto(`${service.origin}/watch/${films[0]!.id}`);
      await expect(page.getByRole("slider", { name: "Seek" })).toBeVisible();
      const watching = new Watching(page);
      if (await watching.read((video) => video.paused)) await page.keyboard.press("k");
      await expect(page.getByText("The connection is lost.")).toBeVisible();
    },
  },
  {
    name: "watch-stopped",
    show: async (page, { service, films }) => {
      await page.route("**/master.m3u8", async (route) => {
        const response = await route.fetch();
        const unknown = (await response.text()).replaceAll(/CODECS="[^"]*"/g, 'CODECS="none"');
        await route.fulfill({ response, body: unknown });
      });
      await page.goto(`${service.origin}/watch/${films[0]!.id}`);
      await expect(page.getByRole("heading", { name: "The video cannot be played here" })).toBeVisible();
    },
  },
  {
    name: "watch-while-processing",
    show: async (page, stage) => {
      const watching = await watchEarly(page, stage);
      await watching.player.hover();
    },
  },
  {
    name: "watch-waiting",
    show: async (page, stage) => {
      await watchEarly(page, stage);
      await page.keyboard.press("9");
      await expect(page.getByText("3:36 is still being processed.")).toBeVisible();
    },
  },
  {
    name: "watch-queued",
    show: async (page, { library }) => {
      await page.goto(`${library.origin}/watch/${member(0).id}`);
      await expect(page.getByRole("heading", { name: "Interview, camera B" })).toBeVisible();
    },
  },
  {
    name: "watch-failed",
    show: async (page, { library }) => {
      await page.goto(`${library.origin}/watch/${member(3).id}`);
      await expect(page.getByRole("heading", { name: "Interview, camera A" })).toBeVisible();
    },
  },
  {
    name: "watch-missing",
    show: async (page, { service }) => {
      await page.goto(`${service.origin}/watch/00000000000000000000000000`);
      await expect(page.getByRole("button", { name: "See all videos" })).toBeVisible();
    },
  },
  {
    name: "watch-deleted",
    show: async (page, { service }) => {
      const id = await announce(service.api, "On its way");
      await page.goto(`${service.origin}/watch/${id}`);
      await expect(page.getByRole("heading", { name: "Still being uploaded" })).toBeVisible();
      await fetch(`${service.api}/api/v1/videos/${id}`, { method: "DELETE" });
      await expect(page.getByRole("heading", { name: "This video has been deleted" })).toBeVisible();
    },
  },
  {
    name: "watch-unreachable",
    show: async (page, { service, films }) => {
      await page.route("**/api/v1/videos/*", (route) => route.abort());
      await page.goto(`${service.origin}/watch/${films[0]!.id}`);
      await expect(page.getByRole("heading", { name: "The video did not load" })).toBeVisible();
    },
  },
  {
    name: "embed",
    show: async (page, { service, films }) => {
      await page.goto(`${service.origin}/embed/${films[1]!.id}`);
      await expect(page.getByRole("button", { name: "Play" }).first()).toBeVisible();
    },
  },
  {
    name: "embed-preparing",
    show: async (page, { library }) => {
      await page.goto(`${library.origin}/embed/${member(0).id}`);
      await expect(page.getByRole("heading", { name: "Waiting for its turn" })).toBeVisible();
    },
  },
  {
    name: "embed-failed",
    show: async (page, { library }) => {
      await page.goto(`${library.origin}/embed/${member(3).id}`);
      await expect(page.getByRole("heading", { name: "This video could not be processed" })).toBeVisible();
    },
  },
  {
    name: "not-found",
    show: async (page, { service }) => {
      await page.goto(`${service.origin}/no/such/page`);
      await expect(page.getByRole("heading", { name: "There is no such page" })).toBeVisible();
    },
  },
];
