import { describe, expect, test } from "vitest";
import { MOST, afterTrouble, begin, observe, type Concurrency } from "./concurrency";

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

/** How much of the time each limit was in force. */
const share = (limits: number[], of: number) => limits.filter((limit) => limit === of).length / limits.length;

/** Each connection carries its share until the link is full. */
const link = (full: number, each: number) => (parts: number) => Math.min(full, parts * each);

describe("the number of parts at a time", () => {
  test("grows as long as each adds something", () => {
    const { limits } = send(60, link(1e9, 1e6), start());
    expect(limits.at(-1)).toBe(MOST);
  });

  test("stays where the link is full", () => {
    const { limits } = send(300, link(4e6, 1e6), start());
    expect(share(limits.slice(limits.length / 3), 4)).toBeGreaterThan(0.7);
  });

  test("is tried again, for links change", () => {
    const narrow = send(120, link(3e6, 1e6), start());
    expect(narrow.state.limit).toBeLessThanOrEqual(4);
    const wide = send(120, link(1e9, 1e6), narrow);
    expect(wide.state.limit).toBe(MOST);
  });

  test("is halved by trouble, and never less than one", () => {
    let state = begin(0);
    state = afterTrouble(state, 0);
    expect(state.limit).toBe(1);
    expect(afterTrouble(state, 0).limit).toBe(1);
    expect(send(60, link(1e9, 1e6), { state, now: 0, bytes: 0 }).state.limit).toBeGreaterThan(3);
  });

  test("is not judged by connections that had nothing to do", () => {
    let state = begin(0);
    for (let now = 0; now < 60_000; now += TICK_MS)
      state = observe(state, { now, bytes: now, isBusy: now % 2000 > 0 });
    expect(state.limit).toBe(begin(0).limit);
  });
});
