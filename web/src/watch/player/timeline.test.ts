import { describe, expect, it } from "vitest";
import { isPending, isPlayable, shareAt, timeAt, timelineOf, within } from "./timeline";

const growing = timelineOf(180, 28, false);
const whole = timelineOf(180, 179.96, true);

describe("the timeline of a video that is being processed", () => {
  it("has its full length from the start", () => {
    expect(growing.duration).toBe(180);
    expect(shareAt(growing, 45)).toBe(0.25);
    expect(timeAt(growing, 0.25)).toBe(45);
  });

  it("is as long as what plays when the length is unknown or was guessed too short", () => {
    expect(timelineOf(null, 12, false).duration).toBe(12);
    expect(timelineOf(10, 12, false).duration).toBe(12);
  });

  it("has the measured length in the end", () => {
    expect(whole.duration).toBe(179.96);
  });

  it("plays before its edge and not behind it", () => {
    expect(isPlayable(growing, 0)).toBe(true);
    expect(isPlayable(growing, 27.5)).toBe(true);
    expect(isPlayable(growing, 27.9)).toBe(false);
    expect(isPlayable(growing, 100)).toBe(false);
  });

  it("plays to the last moment once it is complete", () => {
    expect(isPlayable(whole, 179.96)).toBe(true);
    expect(isPending(whole, 179.96)).toBe(false);
  });

  it("tells where it is still to be processed", () => {
    expect(isPending(growing, 27.8)).toBe(true);
    expect(isPending(growing, 20)).toBe(false);
    expect(isPending(timelineOf(180, 0, false), 0), "nothing is known yet").toBe(false);
    expect(isPending(timelineOf(180, 0, false), 40), "nothing is known yet").toBe(false);
  });

  it("keeps times within the video", () => {
    expect(within(growing, -5)).toBe(0);
    expect(within(growing, 500)).toBe(180);
    expect(timeAt(growing, 1.2)).toBe(180);
    expect(shareAt(timelineOf(undefined, 0, false), 0)).toBe(0);
  });
});
