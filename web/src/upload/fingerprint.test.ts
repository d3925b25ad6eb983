import { expect, test } from "vitest";
import { fingerprint } from "./fingerprint";

const film = { name: "film.mp4", size: 5_000_000_000, lastModified: 1_790_000_000_123 };

test("a file has the same fingerprint wherever it is chosen", () => {
  expect(fingerprint({ ...film })).toBe(fingerprint(film));
  // macOS decomposes names in some places and not in others.
  expect(fingerprint({ ...film, name: "fu\u0308r.mp4" })).toBe(
    fingerprint({ ...film, name: "f\u00fcr.mp4" }),
  );
});

test.each([{ name: "film2.mp4" }, { size: film.size + 1 }, { lastModified: film.lastModified + 1 }])(
  "%o makes another one",
  (change) => {
    expect(fingerprint({ ...film, ...change })).not.toBe(fingerprint(film));
  },
);

test("a long name is cut to what the API takes, at its beginning", () => {
  const print = fingerprint({ ...film, name: `${"\u{1f3ac}".repeat(1000)} 0042.mp4` });
  expect(new TextEncoder().encode(print).length).toBeLessThanOrEqual(1024);
  expect(print).toMatch(/ 0042\.mp4$/);
});
