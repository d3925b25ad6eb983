import { describe, expect, it } from "vitest";
import { type Places, readPlaces, withPlace, writePlaces } from "./places";

const NOW = 1_800_000_000_000;
const DAY = 24 * 60 * 60 * 1000;

describe("remembering where one was", () => {
  it("keeps a place in the middle", () => {
    expect(withPlace({}, "A", 80, 600, NOW)).toEqual({ A: { at: 80, kept: NOW } });
  });

  it("forgets it at the start and at the end", () => {
    const places = withPlace({}, "A", 80, 600, NOW);
    expect(withPlace(places, "A", 4, 600, NOW)).toEqual({});
    expect(withPlace(places, "A", 580, 600, NOW), "the last 5 %").toEqual({});
    expect(withPlace(places, "A", 51, 60, NOW), "the last 10 s").toEqual({});
    expect(withPlace(places, "A", 49, 60, NOW)).toHaveProperty("A");
  });

  it("forgets what is old, and all but the last two hundred", () => {
    let places: Places = withPlace({}, "old", 80, 600, NOW - 91 * DAY);
    for (let video = 0; video < 250; video += 1) places = withPlace(places, `${video}`, 80, 600, NOW + video);
    expect(Object.keys(places)).toHaveLength(200);
    expect(places).not.toHaveProperty("old");
    expect(places).not.toHaveProperty("49");
    expect(places).toHaveProperty("249");
  });
});

describe("the storage", () => {
  const storage = (content: string | null) => {
    const items = new Map(content === null ? [] : [["streamforge.places", content]]);
    return () =>
      ({
        getItem: (key: string) => items.get(key) ?? null,
        setItem: (key: string, value: string) => void items.set(key, value),
      }) as unknown as Storage;
  };

  it("gives back what was written", () => {
    const kept = storage(null);
    writePlaces(kept, { A: { at: 80, kept: NOW } });
    expect(readPlaces(kept)).toEqual({ A: { at: 80, kept: NOW } });
  });

  it("may hold anything, or be refused", () => {
    expect(readPlaces(storage("{"))).toEqual({});
    expect(readPlaces(storage("null"))).toEqual({});
    expect(readPlaces(storage('{"A":{"at":"x","kept":1},"B":{"at":7,"kept":1},"C":null}'))).toEqual({
      B: { at: 7, kept: 1 },
    });
    const refused = () => {
      throw new DOMException("", "SecurityError");
    };
    expect(readPlaces(refused)).toEqual({});
    expect(() => writePlaces(refused, {})).not.toThrow();
  });
});
