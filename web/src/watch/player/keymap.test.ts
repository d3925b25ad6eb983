import { describe, expect, it } from "vitest";
import { commandOf, KEY_HELP, nextSpeed } from "./keymap";

const press = (key: string, more: object = {}) =>
  commandOf({ key, ctrlKey: false, metaKey: false, altKey: false, repeat: false, ...more });

describe("the keys", () => {
  it.each([
    [" ", { do: "toggle-play" }],
    ["k", { do: "toggle-play" }],
    ["K", { do: "toggle-play" }],
    ["j", { do: "skip", secs: -10 }],
    ["l", { do: "skip", secs: 10 }],
    ["ArrowLeft", { do: "skip", secs: -5 }],
    ["ArrowRight", { do: "skip", secs: 5 }],
    ["ArrowUp", { do: "volume", step: 0.05 }],
    ["ArrowDown", { do: "volume", step: -0.05 }],
    ["Home", { do: "seek-share", share: 0 }],
    ["End", { do: "seek-share", share: 1 }],
    ["0", { do: "seek-share", share: 0 }],
    ["7", { do: "seek-share", share: 0.7 }],
    ["m", { do: "toggle-mute" }],
    ["f", { do: "toggle-fullscreen" }],
    ["c", { do: "toggle-captions" }],
    ["i", { do: "toggle-pip" }],
    ["<", { do: "speed", step: -1 }],
    [">", { do: "speed", step: 1 }],
    ["?", { do: "help" }],
  ])("%j does %j", (key, command) => expect(press(key)).toEqual(command));

  it("leave the browser its own", () => {
    expect(press("f", { ctrlKey: true })).toBeUndefined();
    expect(press("ArrowLeft", { altKey: true })).toBeUndefined();
    expect(press("k", { metaKey: true })).toBeUndefined();
    expect(press("Tab")).toBeUndefined();
    expect(press("toString"), "no name of an object's own").toBeUndefined();
  });

  it("held down go on skipping, but toggle once", () => {
    expect(press("ArrowRight", { repeat: true })).toEqual({ do: "skip", secs: 5 });
    expect(press("ArrowUp", { repeat: true })).toBeDefined();
    expect(press("k", { repeat: true })).toBeUndefined();
    expect(press("f", { repeat: true })).toBeUndefined();
  });

  it("are all explained", () => {
    const named: Record<string, string> = {
      Space: " ",
      "←": "ArrowLeft",
      "→": "ArrowRight",
      "↑": "ArrowUp",
      "↓": "ArrowDown",
    };
    for (const key of KEY_HELP.flatMap(({ keys }) => keys).filter((key) => key !== "…")) {
      expect(press(named[key] ?? key), key).toBeDefined();
    }
  });
});

describe("speeds", () => {
  it("go up and down by steps and stay at the ends", () => {
    expect(nextSpeed(1, 1)).toBe(1.25);
    expect(nextSpeed(1, -1)).toBe(0.75);
    expect(nextSpeed(2, 1)).toBe(2);
    expect(nextSpeed(0.25, -1)).toBe(0.25);
    expect(nextSpeed(1.1, 1)).toBe(1.25);
    expect(nextSpeed(1.1, -1)).toBe(1);
  });
});
