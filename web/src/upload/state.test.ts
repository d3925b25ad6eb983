import { expect, test } from "vitest";
import { actionsOf, canBecome, isUnderWay, STATES, type UploadAction, type UploadState } from "./state";

/** Where an action leads to; nowhere, where it ends the upload. */
const LEADS_TO: Partial<Record<UploadAction, UploadState>> = {
  pause: "paused",
  resume: "waiting",
  retry: "waiting",
  continue: "waiting",
  choose: "waiting",
  cancel: "cancelled",
  undo: "paused",
};

test("every action leads where its state may go", () => {
  for (const [state, handle] of STATES.flatMap((state) => [
    [state, undefined] as const,
    [state, {}] as const,
  ])) {
    for (const action of actionsOf({ state, handle })) {
      const to = LEADS_TO[action];
      if (to !== undefined) expect(canBecome(state, to), `${action} of ${state}`).toBe(true);
    }
  }
});

test("what is done or refused stays so", () => {
  for (const to of STATES) {
    expect(canBecome("done", to)).toBe(false);
    expect(canBecome("refused", to)).toBe(false);
  }
});

test("every other state leads to the end", () => {
  for (const state of STATES) {
    const seen = new Set<UploadState>([state]);
    for (const from of seen) for (const to of STATES) if (canBecome(from, to)) seen.add(to);
    if (state !== "refused") expect(seen.has("done"), state).toBe(true);
  }
});

test("the user is warned while something is under way", () => {
  expect(STATES.filter(isUnderWay)).toEqual(["waiting", "sending", "completing"]);
});
