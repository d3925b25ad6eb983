import type { Upload } from "../api/client";
import { bytesOf, partRange, partsBeside, partsToRepeat, type Cut } from "./parts";

/** The parts of one announced file: which the storage has, which are on their way, which nobody sends. */
export class Transfer {
  readonly uploadId: string;
  readonly videoId: string;
  readonly parts: number;
  /** Parts that the storage lacks and that nobody is sending, in order. */
  unsent: number[];
  /** Checksums of parts as this page has read them. */
  readonly checksums: Map<number, string>;
  readonly #cut: Cut;
  /** Parts that this page has sent; others come from an earlier visit. */
  readonly #sentHere: Set<number>;
  /** Bytes of each part that is being sent, or that waits to be sent again. */
  readonly #onTheWay = new Map<number, number>();
  readonly #failures: Map<number, number>;
  #bytesThere: number;
  #rounds = 0;

  /** Begins where the storage is. What was learnt of the same upload and file by an `earlier` transfer is kept. */
  constructor(upload: Upload, earlier?: Transfer) {
    this.uploadId = upload.id;
    this.videoId = upload.video_id;
    this.parts = upload.parts;
    this.unsent = [...upload.missing_parts];
    this.#cut = { sizeBytes: upload.size_bytes, partSizeBytes: upload.part_size_bytes };
    this.#bytesThere = upload.size_bytes - bytesOf(this.#cut, this.unsent);
    const known = earlier?.uploadId === upload.id ? earlier : undefined;
    this.checksums = known?.checksums ?? new Map();
    this.#sentHere = known ? known.#sentHere : new Set();
    this.#failures = known ? known.#failures : new Map();
  }

  /** Bytes that the storage has or that are on their way. */
  get sentBytes(): number {
    let bytes = this.#bytesThere;
    for (const moved of this.#onTheWay.values()) bytes += moved;
    return bytes;
  }

  /** Bytes that the storage has. */
  get bytesThere(): number {
    return this.#bytesThere;
  }

  get isAllSent(): boolean {
    return this.unsent.length === 0 && this.#onTheWay.size === 0;
  }

  /** Parts that are there and whose checksum is not known, because an earlier visit sent them. */
  get unread(): number[] {
    const notThere = [...this.unsent, ...this.#onTheWay.keys()];
    return partsBeside(this.parts, notThere).filter((part) => !this.checksums.has(part));
  }

  /** The bytes of a part. */
  slice(file: File, part: number): Blob {
    const { start, end } = partRange(this.#cut, part);
    return file.slice(start, end);
  }

  /** Takes a part out of the unsent ones, to send it. */
  take(part: number): void {
    this.unsent = this.unsent.filter((unsent) => unsent !== part);
    this.#onTheWay.set(part, 0);
  }

  /** So many bytes of a part are on their way. Returns how many more than before. */
  moved(part: number, bytes: number): number {
    const before = this.#onTheWay.get(part) ?? 0;
    this.#onTheWay.set(part, bytes);
    return Math.max(0, bytes - before);
  }

  /** The storage has a part. */
  sent(part: number, checksum: string): void {
    this.#onTheWay.delete(part);
    this.#sentHere.add(part);
    this.checksums.set(part, checksum);
    this.#bytesThere += bytesOf(this.#cut, [part]);
  }

  /** A part got lost, and nothing of it counts. Returns how often that has happened to it. */
  lost(part: number): number {
    const failures = (this.#failures.get(part) ?? 0) + 1;
    this.#failures.set(part, failures);
    this.#onTheWay.set(part, 0);
    return failures;
  }

  /** A part got lost by no fault of its own: it may be taken again, and what went wrong does not count. */
  excuse(part: number): void {
    this.#failures.delete(part);
    this.putBack(part);
  }

  /** A part that was taken may be taken again. */
  putBack(part: number): void {
    this.#onTheWay.delete(part);
    this.unsent = [...this.unsent, part].sort((one, other) => one - other);
  }

  /** The server says that these parts are not what their checksums are of. Returns how often it has said so. */
  repeat(wrong: readonly number[]): number {
    this.unsent = partsToRepeat(wrong, this.#sentHere, this.parts);
    this.#bytesThere -= bytesOf(this.#cut, this.unsent);
    return ++this.#rounds;
  }

  /** Forgets what went wrong so far, because the user wants another attempt. */
  forgive(): void {
    this.#failures.clear();
    this.#rounds = 0;
  }
}
