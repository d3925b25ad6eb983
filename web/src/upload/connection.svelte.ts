import { backoff } from "../api/retry";

/** Who does not answer. */
export type Silent = "service" | "storage";

/**
 * Whether the service and the storage can be reached, as the last attempts tell. `navigator.onLine` does not: a service on this very
 * machine answers without any network.
 */
export class Connection {
  /** Who did not answer last; nothing while all is well. */
  silent = $state<Silent>();
  /** It does answer, but that it cannot work now. */
  isBusy = $state(false);
  /** What there is to say of it. */
  detail = $state<string>();
  #failures = 0;
  #retryAt = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `again` is called when it is time for another attempt. */
  constructor(private readonly again: () => void) {}

  /** How many requests may be tried at a time, where `most` would be when all is well: one probes a lost connection. */
  limit(most: number): number {
    if (this.silent === undefined) return most;
    return Date.now() < this.#retryAt ? 0 : 1;
  }

  /** A request had no answer. Those that were under way at the same time and fail after it count once. */
  lost(silent: Silent, detail?: string, isBusy = false): void {
    this.silent = silent;
    this.isBusy = isBusy;
    this.detail = detail;
    if (Date.now() < this.#retryAt) return;
    this.#failures += 1;
    const wait = backoff(this.#failures);
    this.#retryAt = Date.now() + wait;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.again, wait);
  }

  /** One of them takes bytes. A busy one does that too, only to refuse them. */
  moved(by: Silent): void {
    if (!this.isBusy) this.answered(by);
  }

  /** One of them answered, and works. */
  answered(by: Silent): void {
    if (this.silent === by) this.forget();
  }

  /** Takes it that all is well, until another attempt tells. */
  forget(): void {
    if (this.silent === undefined) return;
    this.silent = undefined;
    this.isBusy = false;
    this.detail = undefined;
    this.#failures = 0;
    this.#retryAt = 0;
    clearTimeout(this.#timer);
  }

  /** The network is back, the device woke up, or the user is impatient. */
  retryNow(): void {
    if (this.silent === undefined) return;
    this.#retryAt = 0;
    clearTimeout(this.#timer);
    this.again();
  }
}
