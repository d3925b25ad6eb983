import { expect, test } from "vitest";
import type { UploadState } from "./state";
import { awaitsOutcome, inOrderOfNeed, spokenSummary, summaryOf, type Counted } from "./summary";

const upload = (state: UploadState, sentBytes = 0, speed?: number): Counted => ({
  name: "film.mp4",
  state,
  sizeBytes: 1_000_000,
  sentBytes,
  speed,
});

test("while something is under way, its progress counts with that of what is done", () => {
  const uploads = [
    upload("done", 1_000_000),
    upload("sending", 500_000, 25_000),
    upload("waiting"),
    upload("refused"),
    upload("paused", 9),
  ];
  expect(summaryOf(uploads)).toEqual({
    title: "Uploading 2 videos",
    detail: "50 % · 25.0 kB/s · 1 min left · 1 failed",
    share: 0.5,
  });
});

test.each<[string, UploadState[]]>([
  ["1 upload interrupted", ["done", "failed", "fileless"]],
  ["2 uploads failed", ["done", "failed", "refused", "paused"]],
  ["1 upload paused", ["done", "paused"]],
  ["Uploading in another tab", ["elsewhere", "done"]],
  ["2 videos uploaded", ["done", "done"]],
  ["Upload cancelled", ["cancelled"]],
])("otherwise it says what matters most: %s", (title, states) => {
  expect(summaryOf(states.map((state) => upload(state))).title).toBe(title);
});

test("who listens is told each quarter, and no more", () => {
  const spoken = (sent: number) => spokenSummary([upload("sending", sent, 1000), upload("failed")]);
  expect(spoken(10)).toBe("Uploading 1 video, failed: film.mp4");
  expect(spoken(250_000)).toBe("Uploading 1 video, 25 % sent, failed: film.mp4");
  expect(spoken(490_000)).toBe(spoken(250_000));
  expect(spoken(750_000)).toBe("Uploading 1 video, 75 % sent, failed: film.mp4");
});

test("what needs somebody comes first, what needs nobody any more last", () => {
  const states: UploadState[] = ["done", "sending", "failed", "waiting", "fileless", "paused"];
  const ordered = inOrderOfNeed(states.map((state) => upload(state))).map(({ state }) => state);
  expect(ordered).toEqual(["failed", "fileless", "sending", "waiting", "paused", "done"]);
});

test("what became of a video is awaited until it is known", () => {
  const awaits = (state: UploadState, status?: "processing" | "ready" | "failed") =>
    awaitsOutcome([{ state, videoId: "film" }], () => status && { status });
  expect([awaits("done"), awaits("done", "processing")]).toEqual([true, true]);
  expect([awaits("done", "ready"), awaits("done", "failed"), awaits("sending")]).toEqual([
    false,
    false,
    false,
  ]);
  expect(awaitsOutcome([{ state: "done", videoId: undefined }], () => undefined)).toBe(false);
});
