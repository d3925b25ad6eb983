import { expect, test } from "vitest";
import { nextStep, type InLine } from "./line";

const upload = (state: InLine["state"], unsent: number[] = [], isAnnouncing = false): InLine => ({
  state,
  unsent,
  isAnnouncing,
});

test("the first file that has something to send is next", () => {
  const [paused, first, second] = [upload("paused", [1]), upload("sending", [4, 7]), upload("sending", [1])];
  expect(nextStep([paused, first, second])).toEqual({ send: first, part: 4 });
});

test("another one begins when those before it have nothing left to send", () => {
  const waiting = upload("waiting");
  expect(nextStep([upload("sending", [2]), waiting])).toEqual({ send: upload("sending", [2]), part: 2 });
  expect(nextStep([upload("sending"), upload("completing"), waiting])).toEqual({ announce: waiting });
  expect(nextStep([upload("sending", [], true), waiting])).toEqual({ announce: waiting });
});

test("there is nothing to do when all is on its way or stands still", () => {
  expect(nextStep([])).toBeNull();
  expect(
    nextStep([
      upload("sending"),
      upload("failed", [1]),
      upload("fileless"),
      upload("elsewhere"),
      upload("cancelled", [1]),
    ]),
  ).toBeNull();
});
