import { type Command, commandOf } from "./keymap";

/** Where keys are typed or have a meaning of their own. */
const ELSEWHERE = "dialog, [role=menu], textarea, select, [contenteditable], input:not([type=range])";

/** What presses the space bar and means it. */
const BUTTONS = "button, a, summary";

/** What a key press, wherever on the page it happens, asks the player for. */
export function commandFor(event: KeyboardEvent): Command | undefined {
  const target = event.target instanceof Element ? event.target : document.body;
  const isOthers = target.closest(ELSEWHERE) || (event.key === " " && target.closest(BUTTONS));
  return event.defaultPrevented || isOthers ? undefined : commandOf(event);
}
