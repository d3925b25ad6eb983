import { expect, test } from "vitest";
import { sample, secondsLeft, speedOf, type Samples } from "./speed";

/** Samples four times a second while bytes go at `rate(second)`. */
function run(seconds: number, rate: (second: number) => number): Samples {
  let samples: Samples = [];
  let bytes = 0;
  for (let at = 0; at <= seconds * 1000; at += 250) {
    samples = sample(samples, at, bytes);
    bytes += rate(at / 1000) / 4;
  }
  return samples;
}

test("the speed is that of the last seconds", () => {
  expect(speedOf(run(60, () => 1e6))).toBeCloseTo(1e6);
  const faster = speedOf(run(60, (second) => (second < 40 ? 1e6 : 5e6)));
  expect(faster).toBeCloseTo(5e6);
});

test("it is not told before there is something to go by", () => {
  expect(speedOf([])).toBeNull();
  expect(speedOf(run(1, () => 1e6))).toBeNull();
  expect(speedOf(run(2, () => 1e6))).toBeCloseTo(1e6);
});

test("a standstill of the whole window is no speed, and then no time can be told", () => {
  const speed = speedOf(run(60, (second) => (second < 40 ? 1e6 : 0)));
  expect(speed).toBe(0);
  expect(secondsLeft(1e6, speed)).toBeNull();
  expect(secondsLeft(1e6, null)).toBeNull();
  expect(secondsLeft(3e6, 1e6)).toBe(3);
});

test("only the window is kept", () => {
  expect(run(3600, () => 1).length).toBeLessThan(60);
});
