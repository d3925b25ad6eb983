import { expect, it, vi } from "vitest";
import { hintOf, type HintState } from "./hints";

function state(changes: Partial<HintState> = {}): HintState {
  return {
    trouble: undefined,
    isStalled: false,
    isSilenced: false,
    awaited: undefined,
    isAtEdge: false,
    resumedAt: undefined,
    retry: vi.fn(),
    toggleMute: vi.fn(),
    stopWaiting: vi.fn(),
    seek: vi.fn(),
    ...changes,
  };
}

it("says nothing when all is well", () => {
  expect(hintOf(state())).toBeUndefined();
  expect(hintOf(state({ isStalled: true })), "a short wait has its own sign").toBeUndefined();
});

it("tells of a lost connection only when playback stands", () => {
  expect(hintOf(state({ trouble: "connection" }))).toBeUndefined();
  const stalled = state({ trouble: "connection", isStalled: true });
  expect(hintOf(stalled)?.text).toMatch(/connection is lost/);
  hintOf(stalled)?.action?.run();
  expect(stalled.retry).toHaveBeenCalled();
});

it("tells what is waited for, and the way back", () => {
  const waiting = state({ awaited: 200, isAtEdge: true, isStalled: true });
  expect(hintOf(waiting)?.text).toMatch(/^3:20 is still being processed/);
  hintOf(waiting)?.action?.run();
  expect(waiting.stopWaiting).toHaveBeenCalled();
});

it("tells why it stands at the edge of what is processed", () => {
  expect(hintOf(state({ isAtEdge: true, isStalled: true }))?.text).toMatch(/next part is still/);
  expect(hintOf(state({ isAtEdge: true })), "paused there").toBeUndefined();
});

it("offers to start over, and sound", () => {
  const resumed = state({ resumedAt: 80 });
  expect(hintOf(resumed)?.text).toBe("Continued at 1:20.");
  hintOf(resumed)?.action?.run();
  expect(resumed.seek).toHaveBeenCalledWith(0);
  expect(hintOf(state({ isSilenced: true, resumedAt: 80 }))?.action?.label).toBe("Sound on");
});
