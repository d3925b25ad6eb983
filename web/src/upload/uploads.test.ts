// @vitest-environment jsdom
import { expect, test } from "vitest";
import { toasts } from "../ui/toasts.svelte";
import { receive } from "./uploads.svelte";

test("what could not be read is named", async () => {
  await receive(Promise.resolve({ given: [], leftOut: 0, unreadable: ["gone.mp4"] }));
  expect(toasts.map(({ text }) => text)).toEqual([expect.stringMatching(/^gone\.mp4 could not be read/)]);
});
