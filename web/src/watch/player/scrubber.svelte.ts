/** Pointing at a bar and dragging on it, by mouse, pen or finger. Places are shares of its width, from 0 to 1. */
export class Scrubber {
  /** Where one points. */
  pointed = $state<number>();
  isDragging = $state(false);

  /** `drop` is called with the place where a drag ends. */
  constructor(private readonly drop: (share: number) => void) {}

  /** The listeners of the bar. */
  readonly listeners = {
    onpointerdown: (event: PointerEvent & { currentTarget: HTMLElement }) => {
      if (event.button !== 0) return;
      event.currentTarget.setPointerCapture(event.pointerId);
      this.isDragging = true;
      this.#point(event);
    },
    onpointermove: (event: PointerEvent & { currentTarget: HTMLElement }) => {
      // A finger points only while it drags: it cannot hover.
      if (this.isDragging || event.pointerType !== "touch") this.#point(event);
    },
    onpointerup: (event: PointerEvent) => {
      if (this.isDragging && this.pointed !== undefined) this.drop(this.pointed);
      this.#letGo(event);
    },
    onpointercancel: (event: PointerEvent) => this.#letGo(event),
    onpointerleave: () => {
      if (!this.isDragging) this.pointed = undefined;
    },
  };

  #point({ clientX, currentTarget }: PointerEvent & { currentTarget: HTMLElement }): void {
    const { left, width } = currentTarget.getBoundingClientRect();
    this.pointed = Math.min(Math.max((clientX - left) / width, 0), 1);
  }

  #letGo({ pointerType }: PointerEvent): void {
    this.isDragging = false;
    if (pointerType !== "mouse") this.pointed = undefined;
  }
}
