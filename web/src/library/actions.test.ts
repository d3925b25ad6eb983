// @vitest-environment jsdom
import { expect, test } from "vitest";
import { Problem, Unreachable } from "../api/errors";
import { failureOf, named } from "./actions";
import { video } from "../api/fixtures";

const done: PromiseSettledResult<void> = { status: "fulfilled", value: undefined };
const failed = (reason: unknown): PromiseSettledResult<void> => ({ status: "rejected", reason });
const problem = new Problem("/problems/not-retryable", 409, "upload it again");

test("a failure says of how many, and why", () => {
  expect(
    failureOf("5 videos", [done, failed(problem), done, failed(new Unreachable()), done], "deleted"),
  ).toBe("2 of 5 videos were not deleted. Upload it again.");
  expect(failureOf("2 videos", [done, failed(problem)], "tried again")).toBe(
    "1 of 2 videos was not tried again. Upload it again.",
  );
  expect(failureOf("“Film”", [failed(problem)], "deleted")).toBe("“Film” was not deleted. Upload it again.");
  expect(failureOf("2 videos", [done, done], "deleted")).toBeUndefined();
});

test("videos are named by a title of bearable length, or by their number", () => {
  expect(named([video({ title: "Film" })])).toBe("“Film”");
  expect(named([video({ title: "x".repeat(41) })])).toBe(`“${"x".repeat(39)}…”`);
  expect(named([video({}), video({})])).toBe("2 videos");
});
