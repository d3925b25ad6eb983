import { readPlaces, withPlace, writePlaces } from "./places";

/** How often the place is kept while it plays, in milliseconds: so much is lost by a crash. */
const EVERY_MS = 5000;

const storage = () => localStorage;

/** Where somebody was in this video the last time, in seconds. */
export function recallPlace(id: string): number | undefined {
  return readPlaces(storage)[id]?.at;
}

/** Keeps where somebody is in a video, now and then and at every pause, until `signal`. Tells how to keep it at once. */
export function keepPlace(
  video: HTMLVideoElement,
  id: string,
  duration: () => number,
  signal: AbortSignal,
): () => void {
  let keptAt = 0;
  // Before its first picture it stands at 0, wherever it is going to begin; and again when it begins anew after a failure.
  let isThere = video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA;
  const keep = () => {
    keptAt = performance.now();
    if (!isThere) return;
    writePlaces(storage, withPlace(readPlaces(storage), id, video.currentTime, duration(), Date.now()));
  };
  const keepNowAndThen = () => {
    if (performance.now() - keptAt > EVERY_MS) keep();
  };
  video.addEventListener("loadeddata", () => (isThere = true), { signal });
  video.addEventListener("emptied", () => (isThere = false), { signal });
  video.addEventListener("timeupdate", keepNowAndThen, { signal });
  video.addEventListener("pause", keep, { signal });
  addEventListener("pagehide", keep, { signal });
  return keep;
}
