import { hasMediaSource } from "./media-source";

let player: Promise<typeof import("./player/Player.svelte")> | undefined;

/**
 * The player's chunk, and hls.js along with it: both are large, and nothing plays before both are there. A load that failed is tried again
 * when it is next wanted.
 */
export function loadPlayer(): Promise<typeof import("./player/Player.svelte")> {
  player ??= load().catch((error: unknown) => {
    player = undefined;
    throw error;
  });
  return player;
}

async function load(): Promise<typeof import("./player/Player.svelte")> {
  const engine = hasMediaSource() ? import("./player/hlsjs-engine") : undefined;
  const [loaded] = await Promise.all([import("./player/Player.svelte"), engine]);
  return loaded;
}
