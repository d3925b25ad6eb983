import { type Command, commandOf } from "./keymap";

/** Where keys are typed or have a meaning of their own. */
const ELSEWHERE = "dialog, [role=menu], textarea, select, [contenteditable], input:not([type=range])";

/** What presses the space bar and means it. */
const BUTTONS = "button, a, summary";

/** What scrolls a page. */
const SCROLLS = /^(ArrowUp|ArrowDown|Home|End)$/;

const PLAYER = "[role=region]";

/** What a key press, wherever on the page it happens, asks the player for. */
export function commandFor(event: KeyboardEvent): Command | undefined {
  const target = event.target instanceof Element ? event.target : document.body;
  const isOthers = target.closest(ELSEWHERE) || (event.key === " " && target.closest(BUTTONS));
  const isForPage = SCROLLS.test(event.key) && !target.closest(PLAYER) && canScroll();
  return event.defaultPrevented || isOthers || isForPage ? undefined : commandOf(event);
}

/** Whether there is more of the page than one sees. */
function canScroll(): boolean {
  const { scrollHeight, clientHeight } = document.documentElement;
  return !document.fullscreenElement && scrollHeight > clientHeight;
}
