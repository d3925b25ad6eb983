import { expect, test } from "vitest";
import { itemFor } from "./menu-keys";

const LABELS = ["Rename", "Copy link", "Retry", "Delete"];

const press = (key: string, here = 0, modifiers = {}) =>
  itemFor({ key, ctrlKey: false, metaKey: false, altKey: false, ...modifiers }, here, LABELS);

test("arrows go round", () => {
  expect([press("ArrowDown", 0), press("ArrowDown", 3), press("ArrowDown", -1)]).toEqual([1, 0, 0]);
  expect([press("ArrowUp", 1), press("ArrowUp", 0), press("ArrowUp", -1)]).toEqual([0, 3, 3]);
  expect([press("Home", 2), press("End", 2)]).toEqual([0, 3]);
});

test("a letter finds the next item that begins with it, and leads nowhere when there is none", () => {
  expect([press("r", 0), press("R", 2), press("c", 3)]).toEqual([2, 0, 1]);
  expect(press("x", 1)).toBeUndefined();
  expect(press(" ", 1)).toBeUndefined();
});

test("shortcuts of the browser are left to it", () => {
  expect(press("r", 0, { ctrlKey: true })).toBeUndefined();
  expect(press("c", 0, { metaKey: true })).toBeUndefined();
  expect(press("Tab")).toBeUndefined();
});
