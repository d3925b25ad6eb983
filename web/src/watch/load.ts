import { hasMediaSource } from "./media-source";

let player: Promise<typeof import("./player/Player.svelte")> | undefined;

/**
 * The player's chunk, and hls.js along with it: both are large, and nothing plays before both are there. A load that failed is tried again
 * when it is next wanted.
 */
export function loadPlayer(): Promise<typeof import("./player/Player.svelte")> {
  if (hasMediaSource()) void import("./player/hlsjs-engine").catch(() => undefined);
  player ??= import("./player/Player.svelte").catch((error: unknown) => {
    player = undefined;
    throw error;
  });
  return player;
}
