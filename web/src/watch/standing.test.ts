import { describe, expect, it } from "vitest";
import { video } from "./fixtures";
import {
  announcementOf,
  isPlayable,
  preparationOf,
  progressOf,
  type Standing,
  withError,
  withoutVideo,
  withVideo,
} from "./standing";

const progress = { percent: 43.6, eta_secs: 118, jobs: 10, jobs_done: 4, failing: [], rungs: [] };
const known: Standing = { is: "known", video: video() };

describe("what a page knows of its video", () => {
  it("is the newest that was told", () => {
    expect(withVideo({ is: "loading" }, video())).toEqual(known);
    expect(withVideo(known, video({ revision: 4, title: "New" }))).toMatchObject({ video: { title: "New" } });
    expect(withVideo(known, video({ revision: 2, title: "Old" }))).toBe(known);
    expect(withVideo(known, video({ progress })), "progress without a revision of its own").toMatchObject({
      video: { progress },
    });
  });

  it("tells what never was from what was deleted", () => {
    expect(withoutVideo({ is: "loading" })).toEqual({ is: "missing" });
    expect(withoutVideo(known)).toEqual({ is: "deleted" });
    expect(withoutVideo({ is: "deleted" })).toEqual({ is: "deleted" });
    expect(withVideo({ is: "deleted" }, video()), "told late").toEqual({ is: "deleted" });
  });

  it("stays while the service cannot be asked", () => {
    expect(withError(known, new Error())).toBe(known);
    expect(withError({ is: "loading" }, "why")).toEqual({ is: "unreachable", error: "why" });
  });
});

it("plays once it is said to, unless it failed since", () => {
  const playing = { playable: true, playback_url: "/v/ID/master.m3u8" };
  expect(isPlayable(video())).toBe(false);
  expect(isPlayable(video(playing))).toBe(true);
  expect(isPlayable(video({ ...playing, status: "failed" }))).toBe(false);
});

it("tells how far a video is before it plays", () => {
  expect(preparationOf({ status: "uploading" }).title).toBe("Still being uploaded");
  expect(preparationOf({ status: "queued" })).toMatchObject({
    title: "Waiting for its turn",
    share: undefined,
  });
  expect(preparationOf({ status: "processing", progress }).share).toBeCloseTo(0.436);
  expect(
    preparationOf({ status: "processing", progress: { ...progress, percent: 0 } }).share,
  ).toBeUndefined();
});

it("tells progress in words while there is any", () => {
  expect(progressOf({ status: "processing", progress })).toBe("43 % · 2 min left");
  expect(progressOf({ status: "processing", progress: { ...progress, eta_secs: null } })).toBe("43 %");
  expect(progressOf({ status: "ready" })).toBe("");
});

it("says to those who do not see it what becomes of a video, and only now and then how far it is", () => {
  const plays = { playable: true, playback_url: "/v/ID/master.m3u8" };
  const steps = Array.from({ length: 100 }, (_, percent) => {
    return video({ ...(percent > 10 && plays), progress: { ...progress, percent } });
  });
  const course = [video({ status: "uploading" }), video({ status: "queued" }), ...steps];
  const said = [...course, video({ ...plays, status: "ready" })].map((video) =>
    announcementOf({ is: "known", video }),
  );
  expect([...new Set(said)]).toEqual([
    "Still being uploaded",
    "Waiting for its turn",
    "Getting ready to play",
    "The video plays now, and is still being processed",
    "The video plays now, and is still being processed: 25 %",
    "The video plays now, and is still being processed: 50 %",
    "The video plays now, and is still being processed: 75 %",
    "The video is ready",
  ]);
  expect(announcementOf({ is: "deleted" })).toBe("This video has been deleted");
  expect(announcementOf({ is: "known", video: video({ status: "failed" }) }), "there is an alert").toBe("");
});
