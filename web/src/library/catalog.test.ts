import { describe, expect, it } from "vitest";
import type { Progress } from "../api/client";
import { isRetryable, newer, outcomeOf } from "./catalog";
import { Catalog } from "./catalog.svelte";
import { video } from "../api/fixtures";

const progress: Progress = { percent: 40, jobs: 5, jobs_done: 2, rungs: [], failing: [] };

describe("news of a video", () => {
  it("of a larger revision replaces what is known, of a smaller one does not", () => {
    const known = video({ revision: 5, title: "Old" });
    expect(newer(known, video({ revision: 6, title: "New" })).title).toBe("New");
    expect(newer(known, video({ revision: 4, title: "Older" })).title).toBe("Old");
  });

  it("of the same revision tells how far it is", () => {
    const known = video({ status: "processing", progress });
    const later = video({ status: "processing", progress: { ...progress, percent: 60 } });
    expect(newer(known, later).progress?.percent).toBe(60);
  });

  it("from a list does not take away what is known of its progress", () => {
    const known = video({ status: "processing", progress });
    expect(newer(known, video({ status: "processing", progress: null })).progress).toEqual(progress);
    expect(newer(known, video({ status: "ready", revision: 7 })).progress).toBeUndefined();
  });

  it("is announced when it ends something", () => {
    const known = video({ status: "processing" });
    const failure = { code: "malformed", message: "the file is damaged", retryable: false };
    expect(outcomeOf(known, video())).toBe("Sunset over the harbour is ready");
    expect(outcomeOf(known, video({ status: "failed", failure }))).toMatch(/failed. The file is damaged.$/);
    expect(outcomeOf(undefined, video())).toBeUndefined();
    expect(outcomeOf(video(), video())).toBeUndefined();
  });

  it("says whether trying again can help", () => {
    const failure = { code: "encoding_failed", message: "", retryable: true };
    expect(isRetryable(video({ status: "failed", failure }))).toBe(true);
    expect(isRetryable(video({ status: "queued", failure }))).toBe(false);
  });
});

describe("a catalog", () => {
  it("does not bring back what was deleted when late news of it comes", () => {
    const catalog = new Catalog();
    catalog.learn(video());
    catalog.forget(video().id);
    catalog.learn(video({ revision: 7 }));
    expect(catalog.videos).toEqual([]);
  });

  it("shows again what was not deleted after all, as it is by then", () => {
    const catalog = new Catalog();
    catalog.learn(video());
    catalog.hide(video().id);
    catalog.learn(video({ revision: 7, title: "Renamed" }));
    catalog.unhide(video().id);
    expect(catalog.videos.map(({ title }) => title)).toEqual(["Renamed"]);
  });

  it("drops what a whole list does not tell of, but not what was heard of meanwhile", () => {
    const catalog = new Catalog();
    catalog.learn(video({ id: "OLD" }), video({ id: "NEW" }));
    catalog.learnAll([video({ id: "LISTED" })], new Set(["NEW"]));
    expect(catalog.videos.map(({ id }) => id).sort()).toEqual(["LISTED", "NEW"]);
  });
});
