import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Storyboard } from "./storyboard.svelte";

const PLAYLIST = "https://example.org/v/ID/master.m3u8";
const CUE = "WEBVTT\n\n00:00.000 --> 00:04.000\nsheet_0.jpg#xywh=0,0,160,90\n";

const ask = vi.fn<(url: string) => Promise<Response>>();

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("fetch", ask.mockReset());
});

afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

async function want(storyboard: Storyboard, edge: number): Promise<void> {
  storyboard.want(edge);
  await vi.advanceTimersByTimeAsync(10);
}

it("is asked for once, and again as the video grows", async () => {
  ask.mockImplementation(async () => new Response(CUE));
  const storyboard = new Storyboard(PLAYLIST);
  for (const edge of [0, 0, 8, 8, 4]) await want(storyboard, edge);
  expect(ask.mock.calls).toEqual(Array(2).fill(["https://example.org/v/ID/storyboard/storyboard.vtt"]));
  expect(storyboard.tileAt(1)).toMatchObject({ start: 0, end: 4 });
});

it("that is not there is not asked for with every move of the mouse", async () => {
  ask.mockImplementation(async () => new Response("", { status: 404 }));
  const storyboard = new Storyboard(PLAYLIST);
  for (let move = 0; move < 20; move += 1) await want(storyboard, 12);
  expect(ask).toHaveBeenCalledTimes(1);
  await want(storyboard, 16);
  expect(ask, "there is more of it").toHaveBeenCalledTimes(2);
  await vi.advanceTimersByTimeAsync(3000);
  await want(storyboard, 16);
  expect(ask, "a while later").toHaveBeenCalledTimes(3);
});
