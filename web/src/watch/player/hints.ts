import { clock } from "../../ui/words";
import type { Playback } from "./playback.svelte";

/** What is said over the lower edge of the picture, and what can be done about it. */
export interface Hint {
  text: string;
  action?: { label: string; run(): void };
}

/** What a hint depends on. */
export type HintState = Pick<
  Playback,
  "trouble" | "isStalled" | "isSilenced" | "awaited" | "isAtEdge" | "resumedAt"
> &
  Pick<Playback, "retry" | "toggleMute" | "stopWaiting" | "seek">;

/** The one thing to say now, if there is any: the most pressing first. */
export function hintOf(playback: HintState): Hint | undefined {
  if (playback.trouble === "connection" && playback.isStalled) {
    return {
      text: "The connection is lost. Playback goes on by itself when it is back.",
      action: { label: "Try now", run: () => playback.retry() },
    };
  }
  if (playback.isSilenced) {
    return { text: "The sound is off.", action: { label: "Sound on", run: () => playback.toggleMute() } };
  }
  if (playback.awaited !== undefined) {
    return {
      text: `${clock(playback.awaited)} is still being processed. Playback goes on there as soon as it is ready.`,
      action: { label: "Go back", run: () => playback.stopWaiting() },
    };
  }
  if (playback.isAtEdge && playback.isStalled) {
    return { text: "The next part is still being processed. Playback goes on as soon as it is ready." };
  }
  if (playback.resumedAt !== undefined) {
    return {
      text: `Continued at ${clock(playback.resumedAt)}.`,
      action: { label: "Start over", run: () => playback.seek(0) },
    };
  }
  return undefined;
}
