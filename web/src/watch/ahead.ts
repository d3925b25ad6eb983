import { answer, api, type Video } from "../api/client";
import { loadPlayer } from "./load";
import { hasMediaSource } from "./media-source";
import { isPlayable } from "./standing";

/** The record of the video whose page was opened last, until that page takes it. */
let asked: { id: string; record: Promise<Video> } | undefined;

/**
 * Sets out for all that the page of a video needs beside its own chunk: the player, and the video's record. None of it waits for anything
 * of the others.
 */
export function setOut(id: string): void {
  const record = recordOf(id);
  asked = { id, record };
  // Who wants them is told that they did not come.
  for (const wanted of [record.then(preloadPlaylist), loadPlayer()]) wanted.catch(() => undefined);
}

/** The record that was asked for ahead, for the first who wants it. */
export function takeRecord(id: string): Promise<Video> | undefined {
  const record = asked?.id === id ? asked.record : undefined;
  asked = undefined;
  return record;
}

/** Its playlist comes while hls.js does, whose first request is for it. A browser that plays by itself asks in another way. */
function preloadPlaylist(video: Video): void {
  if (!isPlayable(video) || !hasMediaSource()) return;
  const link = document.createElement("link");
  Object.assign(link, { rel: "preload", as: "fetch", crossOrigin: "anonymous", href: video.playback_url });
  document.head.append(link);
}

/** Asks for the record of a video. */
export function recordOf(id: string, signal?: AbortSignal): Promise<Video> {
  const params = { path: { id } };
  return answer(api.GET("/api/v1/videos/{id}", { params, ...(signal && { signal }) }));
}
