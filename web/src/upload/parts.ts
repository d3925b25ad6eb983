/** How the server wants a file to be cut. */
export interface Cut {
  readonly sizeBytes: number;
  /** Of every part but the last. */
  readonly partSizeBytes: number;
}

/** Where part `number`, counted from 1, begins and ends. */
export function partRange({ sizeBytes, partSizeBytes }: Cut, number: number): { start: number; end: number } {
  const start = (number - 1) * partSizeBytes;
  return { start, end: Math.min(start + partSizeBytes, sizeBytes) };
}

/** Bytes of these parts together. */
export function bytesOf(cut: Cut, parts: Iterable<number>): number {
  let bytes = 0;
  for (const number of parts) {
    const { start, end } = partRange(cut, number);
    bytes += end - start;
  }
  return bytes;
}

/** The parts 1 to `count` without `missing`. */
export function partsBeside(count: number, missing: Iterable<number>): number[] {
  const without = new Set(missing);
  return Array.from({ length: count }, (_, index) => index + 1).filter((number) => !without.has(number));
}

/**
 * The parts to send again after the server said that `wrong` are not what this page says they are.
 *
 * Those that this page sent were damaged; they alone go again. Those that an earlier visit sent were of another file, so that all that came
 * with them are doubtful.
 */
export function partsToRepeat(
  wrong: readonly number[],
  sentHere: ReadonlySet<number>,
  count: number,
): number[] {
  return wrong.every((number) => sentHere.has(number)) ? [...wrong] : partsBeside(count, sentHere);
}
