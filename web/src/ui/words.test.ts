import { describe, expect, it } from "vitest";
import { bytes, clock, percent, plural, since, timeLeft } from "./words";

describe("words", () => {
  it.each([
    [0, "0 B"],
    [999, "999 B"],
    [1000, "1.0 kB"],
    [18_859_252, "18.9 MB"],
    [999_950, "1000 kB"],
    [8_123_456_789, "8.1 GB"],
    [2e15, "2000 TB"],
  ])("%d bytes are %s", (count, words) => {
    expect(bytes(count)).toBe(words);
  });

  it.each([
    [0, "0:00"],
    [62.9, "1:02"],
    [3723, "1:02:03"],
    [-1, "0:00"],
  ])("%d s are %s on the clock", (secs, words) => {
    expect(clock(secs)).toBe(words);
  });

  it.each([
    [0, "a few seconds left"],
    [31, "35 s left"],
    [59.5, "60 s left"],
    [100, "2 min left"],
    [7260, "2 h 1 min left"],
    [7200, "2 h left"],
  ])("%d s are %s", (secs, words) => {
    expect(timeLeft(secs)).toBe(words);
  });

  it("are never 100 % before all is done", () => {
    expect(percent(0.9999)).toBe("99 %");
    expect(percent(1)).toBe("100 %");
    expect(percent(-0.1)).toBe("0 %");
  });

  it.each([
    ["2026-03-10T11:59:40", "just now"],
    ["2026-03-10T11:45:00", "15 minutes ago"],
    ["2026-03-10T08:00:00", "4 hours ago"],
    ["2026-03-09T23:00:00", "yesterday"],
    ["2026-03-05T12:00:00", "5 days ago"],
    ["2026-02-01T12:00:00", "1 Feb"],
    ["2024-12-31T12:00:00", "31 Dec 2024"],
  ])("%s was %s", (date, words) => {
    expect(since(new Date(date), new Date("2026-03-10T12:00:00"))).toBe(words);
  });

  it("count", () => {
    expect([plural(1, "video"), plural(1200, "video")]).toEqual(["1 video", "1,200 videos"]);
  });
});
