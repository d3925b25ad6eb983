/** A short message at the edge of the page. */
export interface Toast {
  id: number;
  text: string;
  tone: "neutral" | "danger";
  action: ToastAction | undefined;
  /** Called when it goes and nothing was done about it. */
  gone: (() => void) | undefined;
}

/** What can be done about it. */
export interface ToastAction {
  label: string;
  run(): void;
}

/** How long a message stays, in milliseconds: long enough to read it, longer when there is something to do. */
const STAYS_MS = 5000;
const STAYS_WITH_ACTION_MS = 8000;

let nextId = 1;
const timers = new Map<number, ReturnType<typeof setTimeout>>();
const shown = $state<Toast[]>([]);

/** The messages that are shown now. */
export const toasts: readonly Toast[] = shown;

/** Shows a message and tells its id. */
export function showToast(text: string, options: Partial<Omit<Toast, "id" | "text">> = {}): number {
  const { tone = "neutral", action, gone } = options;
  const id = nextId++;
  shown.push({ id, text, tone, action, gone });
  countDown(id);
  return id;
}

/** Takes a message away. */
export function dismissToast(id: number): void {
  takeAway(id)?.gone?.();
}

/** Does what can be done about a message, and takes it away. */
export function actOnToast(id: number): void {
  takeAway(id)?.action?.run();
}

function takeAway(id: number): Toast | undefined {
  keepToast(id);
  const place = shown.findIndex((toast) => toast.id === id);
  return place < 0 ? undefined : shown.splice(place, 1)[0];
}

/** Lets a message stay, because somebody points at it or has its button in focus. */
export function keepToast(id: number): void {
  clearTimeout(timers.get(id));
  timers.delete(id);
}

/** Lets it go in its time. */
export function countDown(id: number): void {
  keepToast(id);
  const toast = shown.find((one) => one.id === id);
  if (!toast) return;
  const stays = toast.action ? STAYS_WITH_ACTION_MS : STAYS_MS;
  timers.set(
    id,
    setTimeout(() => dismissToast(id), stays),
  );
}
