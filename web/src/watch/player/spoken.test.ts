import { expect, it } from "vitest";
import { spokenPlace, spokenTime } from "./spoken";

it.each([
  [0, "0 seconds"],
  [1, "1 second"],
  [59.9, "59 seconds"],
  [60, "1 minute"],
  [80, "1 minute 20 seconds"],
  [3600, "1 hour"],
  [3601, "1 hour 1 second"],
  [7325, "2 hours 2 minutes 5 seconds"],
  [-3, "0 seconds"],
])("says %d as %s", (secs, said) => expect(spokenTime(secs)).toBe(said));

it("says where one is in the whole", () => {
  expect(spokenPlace(80, 600)).toBe("1 minute 20 seconds of 10 minutes");
});
