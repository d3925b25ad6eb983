import { expect, test } from "vitest";
import { bytesOf, partRange, partsBeside, partsToRepeat } from "./parts";

const cut = { sizeBytes: 25, partSizeBytes: 10 };

test("parts cover the file, the last is the rest", () => {
  expect([1, 2, 3].map((number) => partRange(cut, number))).toEqual([
    { start: 0, end: 10 },
    { start: 10, end: 20 },
    { start: 20, end: 25 },
  ]);
  expect(bytesOf(cut, [1, 2, 3])).toBe(25);
  expect(bytesOf(cut, [1, 3])).toBe(15);
  expect(bytesOf(cut, [])).toBe(0);
});

test("what is not missing is there", () => {
  expect(partsBeside(5, [2, 4])).toEqual([1, 3, 5]);
  expect(partsBeside(2, [1, 2])).toEqual([]);
});

test("a damaged part goes again alone, one of another file takes its company along", () => {
  const sentHere = new Set([3, 4]);
  expect(partsToRepeat([4], sentHere, 5)).toEqual([4]);
  expect(partsToRepeat([2], sentHere, 5)).toEqual([1, 2, 5]);
  expect(partsToRepeat([2, 4], sentHere, 5)).toEqual([1, 2, 5]);
});
