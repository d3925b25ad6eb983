import { describe, expect, it } from "vitest";
import { Selection } from "./selection.svelte";

const order = ["a", "b", "c", "d"];

describe("a selection", () => {
  it("extends from the one chosen last, in either direction", () => {
    const selection = new Selection();
    selection.toggle("c");
    selection.extendTo("a", order);
    expect(order.filter((id) => selection.has(id))).toEqual(["a", "b", "c"]);
  });

  it("begins with what one extends to when nothing was chosen", () => {
    const selection = new Selection();
    selection.extendTo("b", order);
    expect(order.filter((id) => selection.has(id))).toEqual(["b"]);
  });

  it("gives up what has gone, and is over with the last of it", () => {
    const selection = new Selection();
    selection.set(["a", "c"]);
    selection.keepOnly(["b", "c", "d"]);
    expect(order.filter((id) => selection.has(id))).toEqual(["c"]);
    expect(selection.isActive).toBe(true);
    selection.keepOnly(["b"]);
    expect(selection.isActive).toBe(false);
  });

  it("is over when it is cleared, even if it was only asked for", () => {
    const selection = new Selection();
    selection.isAsked = true;
    expect(selection.isActive).toBe(true);
    selection.clear();
    expect(selection.isActive).toBe(false);
  });
});
