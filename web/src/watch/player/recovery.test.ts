import { describe, expect, it } from "vitest";
import { type Failure, NO_TRIES, stepAfter, withStep } from "./recovery";

/** What is done about the same failure again and again, every `pause` milliseconds. */
function steps(failure: Failure, times: number, pause = 1000) {
  let tries = NO_TRIES;
  return Array.from({ length: times }, (_, time) => {
    const step = stepAfter(failure, tries, time * pause);
    tries = withStep(tries, step, time * pause);
    return step;
  });
}

describe("when the network fails", () => {
  it("asks again for ever, with pauses that grow to a quarter of a minute", () => {
    const pauses = steps({ kind: "network" }, 7).map((step) =>
      step.do === "wait" ? step.milliseconds : step,
    );
    expect(pauses).toEqual([1000, 2000, 4000, 8000, 15_000, 15_000, 15_000]);
  });

  it("asks again when the service fails", () => {
    expect(steps({ kind: "network", status: 503 }, 1)).toMatchObject([{ do: "wait" }]);
  });

  it("does not when the video has been removed", () => {
    expect(steps({ kind: "network", status: 404 }, 1)).toEqual([{ do: "stop", trouble: "gone" }]);
  });
});

describe("when decoding fails", () => {
  it("resets the decoder twice, then says that the video is broken", () => {
    expect(steps({ kind: "media" }, 3).map((step) => step.do)).toEqual([
      "reset-media",
      "reset-media",
      "stop",
    ]);
  });

  it("resets it as often as it goes well for a while", () => {
    expect(steps({ kind: "media" }, 6, 11_000).every((step) => step.do === "reset-media")).toBe(true);
  });

  it("gives up on what is neither network nor media", () => {
    expect(steps({ kind: "other" }, 1)).toEqual([{ do: "stop", trouble: "broken" }]);
  });
});
