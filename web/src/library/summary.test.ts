import { describe, expect, it } from "vitest";
import { video } from "../api/fixtures";
import { rungShare, summarize } from "./summary";

const rungs = [{ name: "720p", segments_done: 3, segments: 12 }];
const progress = { percent: 45.5, eta_secs: 100, jobs: 5, jobs_done: 2, rungs, failing: [] };

describe("a summary", () => {
  it("tells how far a video is and how long it takes", () => {
    const summary = summarize(video({ status: "processing", playable: false, progress }), undefined);
    expect(summary).toMatchObject({ label: "Processing", share: 0.455, note: "45 % · 2 min left", rungs });
  });

  it("says that a video plays already", () => {
    expect(summarize(video({ status: "processing", progress }), undefined).label).toContain("Plays");
  });

  it("says that something is tried again rather than guess the time", () => {
    const failing = [{ job: { video: 3 }, attempts: 1, error: "killed" }];
    const summary = summarize(video({ status: "processing", progress: { ...progress, failing } }), undefined);
    expect(summary.note).toBe("45 % · trying a part again");
  });

  it("does not pretend to know how far a video is that only a list told of", () => {
    expect(summarize(video({ status: "processing" }), undefined).share).toBe("unknown");
  });

  it("shows the upload when it comes from this page", () => {
    const upload = { state: "sending", sentBytes: 30, sizeBytes: 120, etaSecs: 12 } as const;
    const uploading = video({ status: "uploading" });
    expect(summarize(uploading, upload)).toMatchObject({ share: 0.25, note: "25 % · 15 s left" });
    expect(summarize(uploading, { ...upload, state: "paused" }).note).toBe("25 %");
    expect(summarize(uploading, undefined)).toMatchObject({ share: undefined, tone: "neutral" });
  });

  it("of a rung without segments is nothing, not a division by zero", () => {
    expect(rungShare({ name: "360p", segments: 0, segments_done: 0 })).toBe(0);
  });
});
