// @vitest-environment jsdom
import { mount, unmount, type Component } from "svelte";
import { afterEach, expect, test, vi } from "vitest";
import { video } from "../api/fixtures";
import SearchField from "./SearchField.svelte";
import Title from "./Title.svelte";

let shown: object;

afterEach(() => unmount(shown));

function show<Props extends Record<string, unknown>>(field: Component<Props>, props: Props): void {
  shown = mount(field, { target: document.body, props });
}

/** Presses a key in the field, while an input method composes what is typed or not. */
function press(key: string, isComposing: boolean): void {
  const event = new KeyboardEvent("keydown", { key, isComposing, bubbles: true });
  document.querySelector("input")?.dispatchEvent(event);
}

test("keys that an input method takes end no renaming", () => {
  const renamed = vi.fn();
  show(Title, { video: video({ title: "Film" }), isRenaming: true, rename: () => {}, renamed });
  press("Enter", true);
  press("Escape", true);
  expect(renamed).not.toHaveBeenCalled();
  press("Enter", false);
  expect(renamed).toHaveBeenCalledWith(true);
});

test("keys that an input method takes end no search", () => {
  const find = vi.fn();
  show(SearchField, { text: "Film", find });
  press("Escape", true);
  expect(find).not.toHaveBeenCalled();
  press("Escape", false);
  expect(find).toHaveBeenCalledWith("");
});
