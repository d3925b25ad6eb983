import { expect, it } from "vitest";
import { meaningOf } from "./taps";

it("shows or hides the controls by one tap, or by two in the middle", () => {
  expect(meaningOf({ at: 0, share: 0.1 }, undefined)).toEqual({ do: "controls" });
  expect(meaningOf({ at: 200, share: 0.5 }, { at: 0, share: 0.5 })).toEqual({ do: "controls" });
});

it("skips by two taps at a side", () => {
  expect(meaningOf({ at: 200, share: 0.1 }, { at: 0, share: 0.2 })).toEqual({ do: "skip", secs: -10 });
  expect(meaningOf({ at: 200, share: 0.9 }, { at: 0, share: 0.8 })).toEqual({ do: "skip", secs: 10 });
});

it("does not when they are slow, or at two sides", () => {
  expect(meaningOf({ at: 400, share: 0.1 }, { at: 0, share: 0.1 })).toEqual({ do: "controls" });
  expect(meaningOf({ at: 200, share: 0.9 }, { at: 0, share: 0.1 })).toEqual({ do: "controls" });
});
