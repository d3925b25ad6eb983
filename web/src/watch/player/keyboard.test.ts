// @vitest-environment jsdom
import { beforeEach, expect, it, vi } from "vitest";
import { commandFor } from "./keyboard";

/** What a key asks the player for when focus is in this element. */
function press(key: string, id: string): unknown {
  let command: unknown;
  addEventListener("keydown", (event) => (command = commandFor(event)), { once: true });
  document.getElementById(id)?.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
  return command;
}

beforeEach(() => {
  document.body.id = "page";
  document.body.innerHTML = `<a id="link" href="/"></a><div role="region" id="player" tabindex="-1">
    <input type="range" id="slider"></div><dialog><button id="other"></button></dialog>`;
  vi.restoreAllMocks();
});

it("obeys keys wherever they are pressed, but where they have a meaning of their own", () => {
  for (const id of ["page", "link", "player", "slider"]) expect(press("k", id), id).toBeDefined();
  expect(press(" ", "page")).toBeDefined();
  expect(press(" ", "link")).toBeUndefined();
  expect(press("k", "other")).toBeUndefined();
});

it.each(["ArrowUp", "ArrowDown", "Home", "End"])("leaves %s to a page that scrolls", (key) => {
  expect(press(key, "page")).toBeDefined();
  vi.spyOn(document.documentElement, "scrollHeight", "get").mockReturnValue(1200);
  vi.spyOn(document.documentElement, "clientHeight", "get").mockReturnValue(800);
  expect(press(key, "page")).toBeUndefined();
  expect(press(key, "link")).toBeUndefined();
  expect(press(key, "player")).toBeDefined();
  expect(press("ArrowLeft", "page"), "which does not go that way").toBeDefined();
});
