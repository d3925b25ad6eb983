import { expect, it } from "vitest";
import { expectedBandwidth } from "./bandwidth";

const HOUR = 60 * 60 * 1000;

it("is a little less than what was measured last", () => {
  expect(expectedBandwidth({ bitsPerSec: 10e6, kept: 0 }, 3, HOUR)).toBe(8e6);
});

it("is what the browser says when the measurement is old, or there is none", () => {
  expect(expectedBandwidth({ bitsPerSec: 10e6, kept: 0 }, 5, 25 * HOUR)).toBe(4e6);
  expect(expectedBandwidth(undefined, 5, 0)).toBe(4e6);
});

it("is unknown when nobody tells", () => {
  expect(expectedBandwidth(undefined, undefined, 0)).toBeUndefined();
  expect(expectedBandwidth(undefined, 0, 0)).toBeUndefined();
});
