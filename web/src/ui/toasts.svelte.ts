/** A short message at the edge of the page. */
export interface Toast {
  id: number;
  text: string;
  tone: "neutral" | "danger";
  action: ToastAction | undefined;
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
export function showToast(text: string, options: Partial<Pick<Toast, "tone" | "action">> = {}): number {
  const { tone = "neutral", action } = options;
  const id = nextId++;
  shown.push({ id, text, tone, action });
  countDown(id);
  return id;
}

/** Takes a message away. */
export function dismissToast(id: number): void {
  keepToast(id);
  const place = shown.findIndex((toast) => toast.id === id);
  if (place >= 0) shown.splice(place, 1);
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
