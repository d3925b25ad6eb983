import { describe, expect, it } from "vitest";
import { type Key, pageCommandOf, videoCommandOf } from "./keyboard";

const key = (name: string, change: Partial<Key> = {}): Key => ({
  key: name,
  ctrlKey: false,
  metaKey: false,
  shiftKey: false,
  altKey: false,
  ...change,
});

describe("a key", () => {
  it("moves among the videos only when one of them has the focus", () => {
    expect(videoCommandOf(key("ArrowDown"))).toBe("next");
    expect(videoCommandOf(key("ArrowUp", { shiftKey: true }))).toBe("extend-previous");
    expect(pageCommandOf(key("ArrowDown"))).toBeUndefined();
  });

  it("that is a letter means nothing elsewhere", () => {
    for (const letter of ["j", "k", "x", "c"]) expect(pageCommandOf(key(letter))).toBeUndefined();
  });

  it("with Ctrl is the browser's but for two", () => {
    expect(videoCommandOf(key("a", { ctrlKey: true }))).toBe("select-all");
    expect(pageCommandOf(key("a", { ctrlKey: true }))).toBeUndefined();
    expect(pageCommandOf(key("z", { metaKey: true }))).toBe("undo");
    expect(videoCommandOf(key("c", { ctrlKey: true }))).toBeUndefined();
  });
});
