// @vitest-environment jsdom
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { Video } from "../api/client";
import { setOut } from "./ahead";
import { video } from "./fixtures";
import { loadPlayer } from "./load";

const service = vi.hoisted(() => ({ answer: vi.fn<() => Promise<Video>>() }));

vi.mock("../api/client", () => ({
  api: { GET: () => service.answer() },
  answer: (call: Promise<Video>) => call,
}));

vi.mock("./load", () => ({ loadPlayer: vi.fn(() => Promise.resolve()) }));

const playlist = "/v/01JD2Q4ZK8M3T9V7XN5RWB6CEH/master.m3u8";
const settle = () => new Promise((done) => setTimeout(done, 10));
const preloaded = () => [...document.head.querySelectorAll("link")].map((link) => link.getAttribute("href"));

beforeEach(() => {
  document.head.replaceChildren();
  vi.stubGlobal("MediaSource", class {});
  vi.mocked(loadPlayer).mockClear();
});

afterEach(() => vi.unstubAllGlobals());

it("sets out for the player while the record is asked for, and for the playlist with it", async () => {
  let tell = (_: Video) => {};
  service.answer.mockImplementation(() => new Promise((resolve) => (tell = resolve)));
  setOut("A");
  expect(loadPlayer).toHaveBeenCalledTimes(1);
  expect(preloaded()).toEqual([]);
  tell(video({ playable: true, playback_url: playlist }));
  await vi.waitFor(() => expect(preloaded()).toEqual([playlist]));
});

it("fetches no playlist that hls.js will not ask for", async () => {
  service.answer.mockImplementation(async () => video({ playback_url: playlist }));
  setOut("A");
  await settle();
  expect(preloaded(), "it does not play yet").toEqual([]);
  Reflect.deleteProperty(globalThis, "MediaSource");
  service.answer.mockImplementation(async () => video({ playable: true, playback_url: playlist }));
  setOut("B");
  await settle();
  expect(preloaded(), "the browser plays by itself").toEqual([]);
});

it("leaves it to those who want them to tell that they did not come", async () => {
  service.answer.mockImplementation(() => Promise.reject(new Error("offline")));
  vi.mocked(loadPlayer).mockImplementationOnce(() => Promise.reject(new Error("offline")));
  // What nobody catches fails the test.
  setOut("A");
  await settle();
});
