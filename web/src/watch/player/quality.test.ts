import { expect, it } from "vitest";
import { bitRate, type PlayableRung, qualityChoices, rungName, startRung } from "./quality";

const rung = (width: number, height: number, bandwidth: number, frameRate = 25): PlayableRung => ({
  width,
  height,
  bandwidth,
  frameRate,
  codecs: "avc1.64001f,mp4a.40.2",
});

it("names rungs by the short side", () => {
  expect(rungName(rung(1280, 720, 1))).toBe("720p");
  expect(rungName(rung(720, 1280, 1))).toBe("720p");
  expect(rungName(rung(1920, 1080, 1, 59.94))).toBe("1080p60");
  expect(rungName(rung(1920, 1080, 1, 0))).toBe("1080p");
});

it("offers the best rung first, and automatic with what it plays now", () => {
  const rungs = [rung(640, 360, 5e5), rung(1920, 1080, 5e6), rung(1280, 720, 3e6)];
  expect(qualityChoices(rungs, 2)).toEqual([
    { rung: 1, label: "1080p", note: "" },
    { rung: 2, label: "720p", note: "" },
    { rung: 0, label: "360p", note: "" },
    { rung: undefined, label: "Auto", note: "720p" },
  ]);
});

it("tells rungs of one name apart by their rates", () => {
  const choices = qualityChoices([rung(640, 360, 5e5), rung(640, 360, 9e5)], undefined);
  expect(choices.map(({ label, note }) => `${label} ${note}`.trim())).toEqual([
    "360p 900 kb/s",
    "360p 500 kb/s",
    "Auto",
  ]);
});

it("begins with the best rung that comes soon", () => {
  const rungs = [rung(1920, 1080, 5e6), rung(640, 360, 5e5), rung(1280, 720, 3e6)];
  expect(startRung(rungs, 60e6)).toBe(0);
  expect(startRung(rungs, 40e6)).toBe(2);
  expect(startRung(rungs, 16e6)).toBe(1);
  expect(startRung(rungs, 1e6), "none does: the smallest").toBe(1);
  expect(startRung(rungs, undefined)).toBe(1);
  expect(startRung([], 60e6)).toBe(0);
});

it("writes rates as people read them", () => {
  expect(bitRate(514_872)).toBe("515 kb/s");
  expect(bitRate(2_907_758)).toBe("2.9 Mb/s");
  expect(bitRate(940_000_000)).toBe("940 Mb/s");
});
