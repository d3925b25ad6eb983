import { expect, it } from "vitest";
import { aheadOf, linesOf, type Sample } from "./stats";

const SAMPLE: Sample = {
  rung: { width: 1280, height: 720, frameRate: 29.97, bandwidth: 2_907_758, codecs: "avc1.64001f,mp4a.40.2" },
  isChosen: false,
  picture: [1280, 720],
  screen: [1024, 576],
  ahead: 12.34,
  dropped: 2,
  frames: 900,
  bandwidth: 18_400_000,
};

it("tells what is played and how well", () => {
  expect(linesOf(SAMPLE)).toEqual([
    ["Rung", "720p, automatic"],
    ["Picture", "1280 × 720 on 1024 × 576"],
    ["Codecs", "avc1.64001f, mp4a.40.2"],
    ["Rate", "2.9 Mb/s at most, 29.97 fps"],
    ["Buffer", "12.3 s ahead"],
    ["Frames", "2 dropped of 900"],
    ["Network", "18.4 Mb/s"],
  ]);
});

it("says so where the browser keeps it to itself", () => {
  const lines = linesOf({ ...SAMPLE, rung: undefined, bandwidth: undefined });
  expect(Object.fromEntries(lines)).toMatchObject({ Rung: "chosen by the browser", Network: "unknown" });
});

it("counts the buffer up to the first gap", () => {
  const buffered = [
    [0, 10],
    [12, 40],
  ];
  expect(aheadOf(buffered, 4)).toBe(6);
  expect(aheadOf(buffered, 11)).toBe(0);
  expect(aheadOf(buffered, 12)).toBe(28);
  expect(aheadOf([], 0)).toBe(0);
});
