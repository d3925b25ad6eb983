// @vitest-environment jsdom
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { whileSeen } from "./live";

let isHidden: boolean;
let isRunning: boolean;
let end: () => void;

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(document, "hidden", "get").mockImplementation(() => isHidden);
  isRunning = false;
});

afterEach(() => {
  end();
  vi.restoreAllMocks();
  vi.useRealTimers();
});

function show(): void {
  isHidden = false;
  document.dispatchEvent(new Event("visibilitychange"));
}

function hide(): void {
  isHidden = true;
  document.dispatchEvent(new Event("visibilitychange"));
}

function begin(hidden: boolean): void {
  isHidden = hidden;
  end = whileSeen(() => {
    isRunning = true;
    return () => (isRunning = false);
  });
}

test("what runs while it is seen ends a while after the page has gone to the background, and runs again", () => {
  begin(false);
  expect(isRunning).toBe(true);
  hide();
  vi.advanceTimersByTime(59_000);
  expect(isRunning, "one may come back").toBe(true);
  vi.advanceTimersByTime(2_000);
  expect(isRunning).toBe(false);
  show();
  expect(isRunning).toBe(true);
  end();
  expect(isRunning).toBe(false);
});

test("a page that opens in the background waits until it is seen", () => {
  begin(true);
  vi.advanceTimersByTime(120_000);
  expect(isRunning).toBe(false);
  show();
  expect(isRunning).toBe(true);
});
