// @vitest-environment jsdom
import { afterEach, expect, test, vi } from "vitest";
import { theme } from "./theme";

afterEach(() => vi.unstubAllGlobals());

test("a chosen theme is kept", () => {
  theme.chosen = "dark";
  expect(theme.chosen).toBe("dark");
  expect(localStorage.getItem("streamforge.theme")).toBe("dark");
  theme.chosen = "system";
  expect(localStorage.getItem("streamforge.theme")).toBeNull();
});

test("where nothing may be kept it holds as long as the page", () => {
  vi.stubGlobal("localStorage", undefined);
  for (const choice of ["light", "system"] as const) {
    theme.chosen = choice;
    expect(theme.chosen).toBe(choice);
  }
});
