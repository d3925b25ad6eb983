import type { Playback } from "./playback.svelte";

/** Tells the system what plays, so that the keys of keyboards, headphones and lock screens work. */
export function joinMediaSession(
  playback: Playback,
  title: string,
  poster: string | null | undefined,
): () => void {
  const { mediaSession: session } = navigator;
  if (!session) return () => undefined;
  const artwork = poster ? [{ src: new URL(poster, location.href).href }] : [];
  session.metadata = new MediaMetadata({ title, artwork });
  const handlers: [MediaSessionAction, MediaSessionActionHandler][] = [
    ["play", () => playback.play()],
    ["pause", () => playback.pause()],
    ["seekbackward", ({ seekOffset }) => playback.skip(-(seekOffset ?? 10))],
    ["seekforward", ({ seekOffset }) => playback.skip(seekOffset ?? 10)],
    ["seekto", ({ seekTime }) => playback.seek(seekTime ?? 0)],
  ];
  for (const [action, handler] of handlers) session.setActionHandler(action, handler);
  return () => {
    for (const [action] of handlers) session.setActionHandler(action, null);
    session.metadata = null;
  };
}
