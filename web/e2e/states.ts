// Every page and every state it can be in, each said once: for the tests of accessibility and for the screenshots.

import { expect, type Page } from "@playwright/test";
import type { Stage } from "./stage";

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
    name: "not-found",
    show: async (page, { service }) => {
      await page.goto(`${service.origin}/no/such/page`);
      await expect(page.getByRole("heading", { name: "There is no such page" })).toBeVisible();
    },
  },
];
