// @vitest-environment jsdom
import { beforeEach, expect, it } from "vitest";
import { keepPlace, recallPlace } from "./place-keeper";

const HOUR = 3600;
let video: HTMLVideoElement;
let now: { currentTime: number; readyState: number };
let stop: AbortController;
let keep: () => void;

/** The element at a place, with so much of it there. */
function be(currentTime: number, readyState: number): void {
  now = { currentTime, readyState };
}

beforeEach(() => {
  localStorage.clear();
  video = document.createElement("video");
  be(0, HTMLMediaElement.HAVE_NOTHING);
  Object.defineProperty(video, "currentTime", { get: () => now.currentTime });
  Object.defineProperty(video, "readyState", { get: () => now.readyState });
  stop = new AbortController();
  keep = keepPlace(video, "A", () => 2 * HOUR, stop.signal);
});

function play(secs: number): void {
  be(secs, HTMLMediaElement.HAVE_ENOUGH_DATA);
  video.dispatchEvent(new Event("loadeddata"));
}

it("keeps where one was", () => {
  play(HOUR);
  keep();
  expect(recallPlace("A")).toBe(HOUR);
});

it("does not forget it when one leaves before the first picture", () => {
  play(HOUR);
  keep();
  video.dispatchEvent(new Event("emptied"));
  for (const state of [HTMLMediaElement.HAVE_NOTHING, HTMLMediaElement.HAVE_METADATA]) {
    be(0, state);
    keep();
    expect(recallPlace("A")).toBe(HOUR);
  }
});

it("keeps where one went last, even if nothing of it has come yet", () => {
  play(HOUR);
  be(HOUR / 2, HTMLMediaElement.HAVE_METADATA);
  dispatchEvent(new Event("pagehide"));
  expect(recallPlace("A")).toBe(HOUR / 2);
  stop.abort();
});
