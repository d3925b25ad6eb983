// Where somebody was in each video, kept in this browser.

/** A place in a video. */
export interface Place {
  /** Seconds from the start. */
  at: number;
  /** When it was kept, in milliseconds since 1970. */
  kept: number;
}

/** Places by the ids of videos. */
export type Places = Readonly<Record<string, Place>>;

/** What is less than this into a video is its start. */
const START_SECS = 5;

/** What is less than this before the end, or in the last part of it, has been seen: credits are not. */
const END_SECS = 10;
const END_SHARE = 0.05;

/** So many videos are remembered, for so long. */
const MOST = 200;
const LONGEST_MS = 90 * 24 * 60 * 60 * 1000;

const KEY = "streamforge.places";

/** `places` with where somebody is now. At the start or the end of a video there is nothing to remember. */
export function withPlace(places: Places, id: string, at: number, duration: number, now: number): Places {
  const isWorthIt = at >= START_SECS && at < duration - Math.max(END_SECS, duration * END_SHARE);
  const { [id]: _, ...others } = places;
  const kept = Object.entries(isWorthIt ? { ...others, [id]: { at, kept: now } } : others)
    .filter(([, place]) => now - place.kept < LONGEST_MS)
    .sort(([, a], [, b]) => b.kept - a.kept)
    .slice(0, MOST);
  return Object.fromEntries(kept);
}

/** What is kept in `storage`; nothing when it is something else, or may not be read. */
export function readPlaces(storage: () => Storage): Places {
  try {
    const kept: unknown = JSON.parse(storage().getItem(KEY) ?? "{}");
    const entries = Object.entries(kept ?? {}).filter((entry): entry is [string, Place] => isPlace(entry[1]));
    return Object.fromEntries(entries);
  } catch {
    return {};
  }
}

/** Keeps `places`. Where nothing may be kept, as in some frames of other sites, nothing is. */
export function writePlaces(storage: () => Storage, places: Places): void {
  try {
    storage().setItem(KEY, JSON.stringify(places));
  } catch {
    // Remembering is a convenience.
  }
}

function isPlace(value: unknown): value is Place {
  const { at, kept } = (value ?? {}) as Partial<Place>;
  return Number.isFinite(at) && Number.isFinite(kept);
}
