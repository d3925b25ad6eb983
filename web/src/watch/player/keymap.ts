/** What a key does. */
export type Command =
  | { do: "toggle-play" | "toggle-mute" | "toggle-fullscreen" | "toggle-captions" | "toggle-pip" }
  | { do: "help" }
  | { do: "skip"; secs: number }
  | { do: "seek-share"; share: number }
  | { do: "volume"; step: number }
  | { do: "speed"; step: 1 | -1 };

/** What is asked of an event of the keyboard. */
export type KeyPress = Pick<KeyboardEvent, "key" | "ctrlKey" | "metaKey" | "altKey" | "repeat">;

/** One line of the help: some keys and what they do. */
export interface KeyHelp {
  keys: readonly string[];
  does: string;
}

const COMMANDS: ReadonlyMap<string, Command> = new Map<string, Command>([
  [" ", { do: "toggle-play" }],
  ["k", { do: "toggle-play" }],
  ["j", { do: "skip", secs: -10 }],
  ["l", { do: "skip", secs: 10 }],
  ["ArrowLeft", { do: "skip", secs: -5 }],
  ["ArrowRight", { do: "skip", secs: 5 }],
  ["ArrowUp", { do: "volume", step: 0.05 }],
  ["ArrowDown", { do: "volume", step: -0.05 }],
  ["Home", { do: "seek-share", share: 0 }],
  ["End", { do: "seek-share", share: 1 }],
  ["m", { do: "toggle-mute" }],
  ["f", { do: "toggle-fullscreen" }],
  ["c", { do: "toggle-captions" }],
  ["i", { do: "toggle-pip" }],
  ["<", { do: "speed", step: -1 }],
  [">", { do: "speed", step: 1 }],
  ["?", { do: "help" }],
]);

/** The keys as they are explained, in the order of use. */
export const KEY_HELP: readonly KeyHelp[] = [
  { keys: ["Space", "K"], does: "Play or pause" },
  { keys: ["←", "→"], does: "Back or forward 5 seconds" },
  { keys: ["J", "L"], does: "Back or forward 10 seconds" },
  { keys: ["0", "…", "9"], does: "Jump to 0 % … 90 %" },
  { keys: ["Home", "End"], does: "Jump to the start or the end" },
  { keys: ["↑", "↓"], does: "Louder or quieter" },
  { keys: ["M"], does: "Sound off or on" },
  { keys: ["<", ">"], does: "Slower or faster" },
  { keys: ["C"], does: "Captions on or off" },
  { keys: ["F"], does: "Full screen" },
  { keys: ["I"], does: "Picture in picture" },
  { keys: ["?"], does: "Show these keys" },
];

/**
 * What a key press asks for. Nothing with Ctrl, Alt or Meta: those belong to the browser. A key that is held down goes on skipping
 * and changing the volume, but toggles only once.
 */
export function commandOf(press: KeyPress): Command | undefined {
  if (press.ctrlKey || press.metaKey || press.altKey) return undefined;
  const command = /^[0-9]$/.test(press.key)
    ? ({ do: "seek-share", share: Number(press.key) / 10 } as const)
    : COMMANDS.get(press.key.length === 1 ? press.key.toLowerCase() : press.key);
  const mayRepeat = command?.do === "skip" || command?.do === "volume";
  return press.repeat && !mayRepeat ? undefined : command;
}

/** The speeds that can be chosen. */
export const SPEEDS = [0.25, 0.5, 0.75, 1, 1.25, 1.5, 1.75, 2] as const;

/** The next speed up or down from one that may be none of ours. */
export function nextSpeed(speed: number, step: 1 | -1): number {
  const next = step > 0 ? SPEEDS.find((one) => one > speed) : SPEEDS.findLast((one) => one < speed);
  return next ?? speed;
}
