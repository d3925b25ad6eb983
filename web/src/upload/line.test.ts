import { expect, test } from "vitest";
import { nextPart, nextToAnnounce, type InLine } from "./line";

const upload = (state: InLine["state"], unsent: number[] = []): InLine => ({
  state,
  unsent,
  isAnnounced: true,
  isOurs: true,
  isAnnouncing: false,
});
const unknown: InLine = { ...upload("waiting"), isAnnounced: false };
const announcing: InLine = { ...unknown, isAnnouncing: true };

test("the first file that has something to send is next", () => {
  const [paused, first, second] = [upload("paused", [1]), upload("sending", [4, 7]), upload("sending", [1])];
  expect(nextPart([paused, first, second])).toEqual({ upload: first, part: 4 });
});

test("another one begins when those before it have nothing left to send", () => {
  const [first, waiting] = [upload("sending", [2]), upload("waiting", [1, 2])];
  expect(nextPart([first, waiting])).toEqual({ upload: first, part: 2 });
  expect(nextPart([upload("sending"), upload("completing"), announcing, waiting])).toEqual({
    upload: waiting,
    part: 1,
  });
});

test("there is nothing to send when all is on its way or stands still", () => {
  expect(nextPart([])).toBeNull();
  const still = [upload("failed", [1]), upload("fileless"), upload("elsewhere"), upload("cancelled", [1])];
  expect(nextPart([upload("sending"), ...still])).toBeNull();
  expect(nextToAnnounce(still)).toBeNull();
});

test("files are announced one at a time, and ahead of their turn", () => {
  expect(nextToAnnounce([upload("sending", [1]), upload("paused"), unknown])).toBe(unknown);
  expect(nextToAnnounce([upload("sending", [1]), announcing, unknown])).toBeNull();
});

test("not more are announced than the server can expect", () => {
  const ahead = Array.from({ length: 50 }, () => upload("waiting", [1]));
  expect(nextToAnnounce([...ahead.slice(1), unknown])).toBe(unknown);
  expect(nextToAnnounce([...ahead, unknown])).toBeNull();
});
