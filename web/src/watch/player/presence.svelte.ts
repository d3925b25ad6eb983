const IDLE_MS = 2500;

/** Whether somebody is at the controls: they go away a moment after the last sign of it. */
export class Presence {
  isActive = $state(true);
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Somebody moved, touched or pressed a key. */
  poke(): void {
    clearTimeout(this.#timer);
    this.isActive = true;
    this.#timer = setTimeout(() => (this.isActive = false), IDLE_MS);
  }

  /** Nobody is there any more. */
  leave(): void {
    clearTimeout(this.#timer);
    this.isActive = false;
  }

  /** The listeners of what one looks at. A mouse that rests is as good as none; a finger says by its taps what it wants. */
  readonly listeners = {
    onpointermove: ({ pointerType }: PointerEvent) => {
      if (pointerType === "mouse") this.poke();
    },
    onpointerleave: ({ pointerType }: PointerEvent) => {
      if (pointerType === "mouse") this.leave();
    },
  };
}

/** A text that is shown for a moment. */
export class Flash<T> {
  value = $state<T>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(readonly milliseconds: number) {}

  show(value: T): void {
    clearTimeout(this.#timer);
    this.value = value;
    this.#timer = setTimeout(() => (this.value = undefined), this.milliseconds);
  }
}
