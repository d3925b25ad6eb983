import { describe, expect, test } from "vitest";
import { FEWEST, MOST, afterTrouble, begin, observe, type Concurrency } from "./concurrency";

const TICK_MS = 250;

/** Sends over a link that carries `rate(parts)` bytes per second, and tells the limits that were in force. */
function send(
  seconds: number,
  rate: (parts: number) => number,
  from: { state: Concurrency; now: number; bytes: number },
) {
  let { state, now, bytes } = from;
  const limits: number[] = [];
  for (const end = now + seconds * 1000; now < end; now += TICK_MS) {
    state = observe(state, { now, bytes, isBusy: true });
    limits.push(state.limit);
    bytes += (rate(state.limit) * TICK_MS) / 1000;
  }
  return { state, now, bytes, limits };
}

const start = () => ({ state: begin(0), now: 0, bytes: 0 });

/** How much of the time a limit was in force, after the first minute. */
const share = (limits: number[], of: number) => {
  const later = limits.slice((60 * 1000) / TICK_MS);
  return later.filter((limit) => limit === of).length / later.length;
};

/** Each connection carries its share until the link is full. */
const link = (full: number, each: number) => (parts: number) => Math.min(full, parts * each);

describe("the number of parts at a time", () => {
  test("grows as long as each adds something", () => {
    const { limits } = send(300, link(1e9, 1e6), start());
    expect(limits.slice(0, (30 * 1000) / TICK_MS)).toContain(MOST);
    expect(share(limits, MOST)).toBeGreaterThan(0.9);
  });

  test.each([
    [3, 3.9e6],
    [5, 5e6],
    [FEWEST, 1e6],
  ])("stays at %i where that fills the link", (parts, full) => {
    const { limits } = send(600, link(full, full / parts), start());
    expect(share(limits, parts)).toBeGreaterThan(0.8);
  });

  test("follows a link that changes", () => {
    const wide = send(120, link(1e9, 1e6), start());
    const narrow = send(300, link(3e6, 1e6), wide);
    expect(narrow.limits.at(-1)).toBeLessThanOrEqual(4);
    const wideAgain = send(200, link(1e9, 1e6), narrow);
    expect(wideAgain.state.limit).toBe(MOST);
  });

  test("is halved by trouble, never less than one, and comes back", () => {
    const { state, now, bytes } = send(60, link(1e9, 1e6), start());
    const once = afterTrouble(state, now);
    expect(once.limit).toBe(MOST / 2);
    const often = [1, 2, 3].reduce((state) => afterTrouble(state, now), once);
    expect(often.limit).toBe(1);
    expect(send(60, link(1e9, 1e6), { state: often, now, bytes }).state.limit).toBe(MOST);
  });

  test("is not judged by connections that had nothing to do", () => {
    let state = begin(0);
    for (let now = 0; now < 60_000; now += TICK_MS) {
      state = observe(state, { now, bytes: now, isBusy: now % 2000 > 0 });
    }
    expect(state.limit).toBe(FEWEST);
  });
});
