/** What a key asks for anywhere on the page. */
export type PageCommand = "clear" | "search" | "undo" | "help";

/** What a key asks for on a video. */
export type VideoCommand =
  | "next"
  | "previous"
  | "first"
  | "last"
  | "toggle"
  | "extend-next"
  | "extend-previous"
  | "select-all"
  | "rename"
  | "copy-link"
  | "remove";

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

/** What a key asks for on the page. No letters do, so that nobody who speaks to the computer deletes by chance. */
export function pageCommandOf({ key, ctrlKey, metaKey, altKey }: Key): PageCommand | undefined {
  if (altKey) return undefined;
  if (ctrlKey || metaKey) return key.toLowerCase() === "z" ? "undo" : undefined;
  return ANYWHERE[key];
}

/** What a key asks for on a video. */
export function videoCommandOf({ key, ctrlKey, metaKey, shiftKey, altKey }: Key): VideoCommand | undefined {
  if (altKey) return undefined;
  if (ctrlKey || metaKey) return key.toLowerCase() === "a" ? "select-all" : undefined;
  return (shiftKey ? EXTENDING[key] : undefined) ?? ON_VIDEO[key];
}

/** Whether keys mean something else where one was pressed. */
export function isTakenElsewhere({ defaultPrevented, target }: Event): boolean {
  return defaultPrevented || (target instanceof Element && target.closest(ELSEWHERE) !== null);
}

const ELSEWHERE = "input:not([type=checkbox]), select, textarea, dialog, [role=menu]";

const ANYWHERE: Record<string, PageCommand> = {
  Escape: "clear",
  "/": "search",
  "?": "help",
};

const EXTENDING: Record<string, VideoCommand> = {
  ArrowDown: "extend-next",
  ArrowUp: "extend-previous",
};

const ON_VIDEO: Record<string, VideoCommand> = {
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
