import { describe, expect, it } from "vitest";
import { video } from "../api/fixtures";
import { arrange, count, DEFAULT_VIEW, queryOf, viewOf } from "./view";

const videos = [
  video({
    id: "A",
    title: "Übung 10",
    created_at: "2026-03-10T11:00:00.5Z",
    duration_secs: 10,
    size_bytes: 3,
  }),
  video({
    id: "B",
    title: "übung 9",
    created_at: "2026-03-10T11:00:00.25Z",
    duration_secs: 30,
    size_bytes: 1,
  }),
  video({
    id: "C",
    title: "Trailer",
    created_at: "2026-03-10T11:00:01Z",
    status: "failed",
    duration_secs: null,
    size_bytes: 2,
  }),
  video({ id: "D", title: "Raw", created_at: "2026-03-10T10:00:00Z", status: "uploading", size_bytes: 2 }),
];

const ids = (view: Partial<typeof DEFAULT_VIEW>) =>
  arrange(videos, { ...DEFAULT_VIEW, ...view })
    .map(({ id }) => id)
    .join("");

describe("a view", () => {
  it("survives in the address, and only what was chosen is written there", () => {
    const view = { shown: "failed", order: "title", search: "two words" } as const;
    expect(viewOf(new URLSearchParams(queryOf(view).toString()))).toEqual(view);
    expect(queryOf(DEFAULT_VIEW).toString()).toBe("");
    expect(viewOf(new URLSearchParams("show=nonsense&sort=nonsense"))).toEqual(DEFAULT_VIEW);
  });

  it("orders", () => {
    expect(ids({ order: "newest" })).toBe("CABD");
    expect(ids({ order: "oldest" })).toBe("DBAC");
    expect(ids({ order: "title" })).toBe("DCBA");
    expect(ids({ order: "longest" })).toBe("BDAC");
    expect(ids({ order: "largest" })).toBe("ACDB");
  });

  it("filters by how videos stand", () => {
    expect(ids({ shown: "progress" })).toBe("D");
    expect(ids({ shown: "failed" })).toBe("C");
    expect(count(videos)).toEqual({ all: 4, progress: 1, ready: 2, failed: 1 });
  });

  it("finds words in any order, without regard to case and accents", () => {
    expect(ids({ search: "  9 UBUNG " })).toBe("B");
    expect(ids({ search: "nothing" })).toBe("");
  });

  it("finds a video by its link", () => {
    const one = video();
    const search = `https://videos.example/watch/${one.id}`;
    expect(arrange([one, video({ id: "3CPQVZ39VEGEWB4HA28V254Y5C" })], { ...DEFAULT_VIEW, search })).toEqual([
      one,
    ]);
  });
});
