import { SvelteSet } from "svelte/reactivity";

/** Which videos are chosen to do something with all of them. */
export class Selection {
  /** Whether choosing was asked for, though nothing is chosen yet. */
  isAsked = $state(false);
  #ids = new SvelteSet<string>();
  #anchor: string | undefined;

  get size(): number {
    return this.#ids.size;
  }

  /** Whether one is choosing: then each video shows whether it is chosen. */
  get isActive(): boolean {
    return this.isAsked || this.size > 0;
  }

  has(id: string): boolean {
    return this.#ids.has(id);
  }

  toggle(id: string): void {
    if (!this.#ids.delete(id)) this.#ids.add(id);
    this.#anchor = id;
  }

  /** Chooses all from the one chosen last to `id`, as `order` has them. */
  extendTo(id: string, order: readonly string[]): void {
    const [from, to] = [order.indexOf(this.#anchor ?? id), order.indexOf(id)];
    if (from < 0) return this.toggle(id);
    for (const one of order.slice(Math.min(from, to), Math.max(from, to) + 1)) this.#ids.add(one);
  }

  set(ids: readonly string[]): void {
    this.#ids.clear();
    ids.forEach((id) => this.#ids.add(id));
  }

  /** Gives up what is not among these: it has gone, or is not shown any more. */
  keepOnly(ids: readonly string[]): void {
    if (this.size === 0) return;
    const kept = new Set(ids);
    for (const id of [...this.#ids]) if (!kept.has(id)) this.#ids.delete(id);
  }

  clear(): void {
    this.isAsked = false;
    this.#ids.clear();
    this.#anchor = undefined;
  }
}
