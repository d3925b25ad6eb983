import { afterEach, expect, it, vi } from "vitest";
import { hasMediaSource } from "./media-source";

afterEach(() => vi.unstubAllGlobals());

it("knows the Media Source Extensions by either name", () => {
  expect(hasMediaSource()).toBe(false);
  for (const name of ["MediaSource", "ManagedMediaSource"]) {
    vi.stubGlobal(name, class {});
    expect(hasMediaSource(), name).toBe(true);
    vi.unstubAllGlobals();
  }
});
