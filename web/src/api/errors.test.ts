import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { inWords, isProblem, problemOf, PROBLEMS, Unreachable } from "./errors";

describe("problems", () => {
  it("are those that docs/API.md lists", () => {
    const docs = readFileSync(new URL("../../../docs/API.md", import.meta.url), "utf8");
    const rows = docs.split("\n").filter((line) => line.startsWith("| `/problems/"));
    const listed = rows.flatMap((row) => row.match(/\/problems\/[\w-]+/g) ?? []);
    expect([...PROBLEMS].sort()).toEqual(listed.sort());
  });

  it("keep their type, and their parts where parts are the matter", () => {
    const body = { type: "/problems/upload-incomplete", detail: "2 of 3 parts are missing", parts: [1, 2] };
    const problem = problemOf({ status: 409 }, body);
    expect(isProblem(problem, "/problems/upload-incomplete")).toBe(true);
    expect(problem.parts).toEqual([1, 2]);
    expect(inWords(problem)).toBe("2 of 3 parts are missing.");
  });

  it("of a proxy in between have no type of ours", () => {
    const problem = problemOf({ status: 502 }, "<html>Bad gateway</html>");
    expect(problem.type).toBe("about:blank");
    expect(inWords(problem)).toBe("The service answered 502. Try again.");
  });
});

describe("words", () => {
  it("never show what a program threw", () => {
    expect(inWords(new TypeError("x is not a function"))).not.toContain("function");
    expect(inWords(new Unreachable())).toContain("connection");
  });
});
