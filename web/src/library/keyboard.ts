/** What a key asks for in the list of videos. */
export type Command =
  | "next"
  | "previous"
  | "first"
  | "last"
  | "toggle"
  | "extend-next"
  | "extend-previous"
  | "select-all"
  | "clear"
  | "rename"
  | "copy-link"
  | "remove"
  | "search"
  | "undo"
  | "help";

/** The keys, as the help shows them. */
export const SHORTCUTS: readonly { keys: readonly string[]; does: string }[] = [
  { keys: ["↑", "↓"], does: "Previous, next video" },
  { keys: ["Enter"], does: "Watch it" },
  { keys: ["F2"], does: "Rename it" },
  { keys: ["C"], does: "Copy its link" },
  { keys: ["Delete"], does: "Delete it, or all selected" },
  { keys: ["Space"], does: "Select it" },
  { keys: ["Shift", "↓"], does: "Select several" },
  { keys: ["Ctrl", "A"], does: "Select all" },
  { keys: ["Esc"], does: "Select nothing" },
  { keys: ["Ctrl", "Z"], does: "Undo deleting" },
  { keys: ["/"], does: "Search" },
  { keys: ["?"], does: "Show these keys" },
];

/** The part of a `KeyboardEvent` that decides. */
export type Key = Pick<KeyboardEvent, "key" | "ctrlKey" | "metaKey" | "shiftKey" | "altKey">;

/** What a key asks for. Letters count only `onVideo`, so that nobody who speaks to the computer deletes by chance. */
export function commandOf(
  { key, ctrlKey, metaKey, shiftKey, altKey }: Key,
  onVideo: boolean,
): Command | undefined {
  if (altKey) return undefined;
  if (ctrlKey || metaKey) return onPlainLetter(key, { a: onVideo ? "select-all" : undefined, z: "undo" });
  if (!onVideo) return ANYWHERE[key];
  return (shiftKey ? EXTENDING[key] : undefined) ?? ON_VIDEO[key] ?? ANYWHERE[key];
}

const EXTENDING: Record<string, Command> = {
  ArrowDown: "extend-next",
  ArrowUp: "extend-previous",
};

const ANYWHERE: Record<string, Command> = {
  Escape: "clear",
  "/": "search",
  "?": "help",
};

const ON_VIDEO: Record<string, Command> = {
  ArrowDown: "next",
  ArrowUp: "previous",
  j: "next",
  k: "previous",
  Home: "first",
  End: "last",
  " ": "toggle",
  x: "toggle",
  F2: "rename",
  c: "copy-link",
  Delete: "remove",
};

function onPlainLetter(key: string, commands: Record<string, Command | undefined>): Command | undefined {
  return commands[key.toLowerCase()];
}
