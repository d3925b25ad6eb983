// What the network carried last time, so that the first segment is already of the right rung.

/** A measurement, as it is kept. */
interface Measured {
  bitsPerSec: number;
  /** In milliseconds since 1970. */
  kept: number;
}

const KEY = "streamforge.bandwidth";

/** Networks change as people move about. */
const HOLDS_MS = 24 * 60 * 60 * 1000;

/** Measurements vary: what is expected is a little less. */
const CAUTION = 0.8;

/**
 * Bits a second to expect: what was measured last, else what the browser says of the connection (`downlink`, in Mb/s), else unknown.
 */
export function expectedBandwidth(
  measured: Measured | undefined,
  downlink: number | undefined,
  now: number,
): number | undefined {
  if (measured && now - measured.kept < HOLDS_MS) return measured.bitsPerSec * CAUTION;
  // Some browsers say 0 when they do not know.
  return downlink ? downlink * 1e6 * CAUTION : undefined;
}

/** {@link expectedBandwidth} of this device. */
export function recallBandwidth(): number | undefined {
  const { connection } = navigator as { connection?: { downlink?: number } };
  return expectedBandwidth(read(), connection?.downlink, Date.now());
}

/** Keeps a measurement for the next time. */
export function keepBandwidth(bitsPerSec: number): void {
  try {
    localStorage.setItem(KEY, JSON.stringify({ bitsPerSec, kept: Date.now() } satisfies Measured));
  } catch {
    // The next start is a guess.
  }
}

function read(): Measured | undefined {
  try {
    const { bitsPerSec, kept } = JSON.parse(localStorage.getItem(KEY) ?? "{}") as Partial<Measured>;
    return bitsPerSec && kept ? { bitsPerSec, kept } : undefined;
  } catch {
    return undefined;
  }
}
