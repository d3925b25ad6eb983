/** Whether there are Media Source Extensions, by which hls.js plays. iPhones have them by another name. */
export function hasMediaSource(): boolean {
  return "MediaSource" in globalThis || "ManagedMediaSource" in globalThis;
}
