import { describe, expect, it } from "vitest";
import { commandOf, type Key } from "./keyboard";

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
    expect(commandOf(key("ArrowDown"), true)).toBe("next");
    expect(commandOf(key("ArrowDown"), false)).toBeUndefined();
    expect(commandOf(key("ArrowUp", { shiftKey: true }), true)).toBe("extend-previous");
  });

  it("that is a letter means nothing elsewhere", () => {
    for (const letter of ["j", "k", "x", "c"]) expect(commandOf(key(letter), false)).toBeUndefined();
  });

  it("with Ctrl is the browser's but for two", () => {
    expect(commandOf(key("a", { ctrlKey: true }), true)).toBe("select-all");
    expect(commandOf(key("a", { ctrlKey: true }), false)).toBeUndefined();
    expect(commandOf(key("z", { metaKey: true }), false)).toBe("undo");
    expect(commandOf(key("c", { ctrlKey: true }), true)).toBeUndefined();
  });
});
