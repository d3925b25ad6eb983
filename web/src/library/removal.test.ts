// @vitest-environment jsdom
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Unreachable } from "../api/errors";
import { actOnToast, dismissToast, toasts } from "../ui/toasts.svelte";
import { catalog } from "./catalog.svelte";
import { video } from "../api/fixtures";
import { remove } from "./removal";

/** What was deleted at the service, and which ids it does not delete. */
const deleted: string[] = [];
const stubborn = new Set<string>();
/** What was done to uploads, in order. */
const uploads: string[] = [];

vi.mock("../api/client", () => ({
  api: {
    DELETE: async (_: string, { params }: { params: { path: { id: string } } }) => {
      if (stubborn.has(params.path.id)) throw new Unreachable();
      deleted.push(params.path.id);
    },
  },
  answer: (call: Promise<unknown>) => call,
}));

vi.mock("../upload/uploads.svelte", () => ({
  holdUploadOf: (id: string) => {
    uploads.push(`hold ${id}`);
    return () => void uploads.push(`go on ${id}`);
  },
  forgetUploadOf: (id: string) => void uploads.push(`forget ${id}`),
}));

const films = ["one", "two", "three"].map((id) => video({ id, title: `Film ${id}` }));
const shown = () => catalog.videos.map(({ id }) => id);
const lastToast = () => toasts.at(-1)!;

beforeEach(() => {
  for (const { id } of films) catalog.unhide(id);
  catalog.learn(...films);
});

afterEach(() => {
  stubborn.clear();
  for (const list of [deleted, uploads]) list.length = 0;
});

test("what is removed stands still until it is decided, and goes on when that is undone", () => {
  remove(films.slice(0, 1));
  expect(lastToast().text).toBe("Deleted “Film one”");
  expect(shown()).toEqual(["two", "three"]);
  expect(uploads).toEqual(["hold one"]);
  actOnToast(lastToast().id);
  expect(shown()).toEqual(["one", "two", "three"]);
  expect(uploads).toEqual(["hold one", "go on one"]);
  expect(deleted).toEqual([]);
});

test("of several that were not all deleted it is said how many and why, and these go on", async () => {
  stubborn.add("one").add("three");
  remove(films);
  dismissToast(lastToast().id);
  await vi.waitFor(() => expect(lastToast()?.tone).toBe("danger"));
  expect(lastToast().text).toMatch(/^2 of 3 videos were not deleted\. StreamForge cannot be reached\./);
  expect(deleted).toEqual(["two"]);
  expect(shown()).toEqual(["one", "three"]);
  expect(uploads.slice(3).sort()).toEqual(["forget two", "go on one", "go on three"]);
});

test("who leaves the page meant it", () => {
  const left: string[] = [];
  vi.stubGlobal("fetch", async (url: string) => void left.push(url));
  remove(films.slice(1, 2));
  dispatchEvent(new Event("pagehide"));
  expect(left).toEqual(["/api/v1/videos/two"]);
  expect(uploads).toEqual(["hold two", "forget two"]);
  vi.unstubAllGlobals();
});
