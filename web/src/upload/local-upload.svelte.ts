import { fingerprint, type FileIdentity } from "./fingerprint";
import type { Entry } from "./journal";
import { sample, secondsLeft, speedOf, type Samples } from "./speed";
import { canBecome, type UploadState } from "./state";
import type { Release } from "./tabs";
import type { Transfer } from "./transfer";

/** A file that this page sends, or knows to be unfinished. What it shows is reactive. */
export class LocalUpload {
  readonly fingerprint: string;
  readonly name: string;
  readonly sizeBytes: number;
  /** When the file was changed last, in milliseconds since 1970. */
  readonly lastModified: number;
  readonly type: string;
  readonly addedAt: number;

  /** The video it becomes, once it is announced. */
  videoId = $state<string>();
  /** Bytes that the storage has or that are on their way. */
  sentBytes = $state(0);
  /** Bytes per second; nothing until there is something to go by. */
  speed = $state<number>();
  /** Nothing until there is something to go by. */
  etaSecs = $state<number>();
  /** How it stands in the tab that has it, as far as that was told. */
  there = $state<UploadState>();
  /** What happened and what to do, where something did. */
  message = $state<string>();

  /** Known in this visit, or opened again. */
  file: File | undefined;
  handle: FileSystemFileHandle | undefined;
  uploadId: string | undefined;
  /** Its parts, while it is not to stand still. */
  transfer: Transfer | undefined;
  /** Its parts before it stood still. */
  earlier: Transfer | undefined;
  isAnnouncing = false;
  /** Ends when its last announcement has been answered or has failed. An answer is heard even after it was halted. */
  announcement: Promise<void> | undefined;
  /** The storage said that it expects no parts of it. */
  isUnknownToStorage = false;
  /** Whether it is to stand still when its file is found again. */
  isPaused = false;
  /** Aborted when it is to stand still. */
  stop = new AbortController();
  /** Gives it to other tabs. */
  release: Release | undefined;

  #state = $state<UploadState>("waiting");
  #moved = 0;
  #samples: Samples = [];

  constructor(file: FileIdentity & { readonly type: string }, addedAt: number) {
    this.fingerprint = fingerprint(file);
    this.name = file.name;
    this.sizeBytes = file.size;
    this.lastModified = file.lastModified;
    this.type = file.type;
    this.addedAt = addedAt;
  }

  /** An upload of an earlier visit. */
  static of(entry: Entry): LocalUpload {
    const upload = new LocalUpload(entry, entry.addedAt);
    upload.recall(entry);
    return upload;
  }

  get state(): UploadState {
    return this.#state;
  }

  /** How much of it the storage has or is on its way, 0 to 1. */
  get share(): number {
    return this.sizeBytes > 0 ? this.sentBytes / this.sizeBytes : 0;
  }

  /** Whether no other tab has it. */
  get isOurs(): boolean {
    return this.release !== undefined;
  }

  /** Whether the server has said which parts it lacks. */
  get isAnnounced(): boolean {
    return this.transfer !== undefined;
  }

  /** Parts that the storage lacks and that nobody is sending. */
  get unsent(): readonly number[] {
    return this.transfer?.unsent ?? [];
  }

  /** Moves to another state. What was told of the one before does not hold any more. */
  become(state: UploadState, message?: string): void {
    if (state !== this.#state && !canBecome(this.#state, state))
      throw new Error(`an upload that is ${this.#state} cannot become ${state}`);
    this.#state = state;
    this.message = message;
    this.there = undefined;
    if (state !== "sending") this.forgetSpeed();
  }

  /** Takes over what another tab or visit wrote down. */
  recall(entry: Entry): void {
    this.uploadId = entry.uploadId;
    this.videoId = entry.videoId;
    this.sentBytes = entry.sentBytes;
    this.isPaused = entry.isPaused;
    this.handle ??= entry.handle;
  }

  /** What is written down of it. */
  entry(): Entry {
    return {
      fingerprint: this.fingerprint,
      name: this.name,
      size: this.sizeBytes,
      lastModified: this.lastModified,
      type: this.type,
      addedAt: this.addedAt,
      uploadId: this.uploadId,
      videoId: this.videoId,
      sentBytes: this.sentBytes,
      isPaused: this.isPaused,
      isCancelled: this.#state === "cancelled",
      handle: this.handle,
    };
  }

  /** Forgets what the service knew of it, because it does not any more. */
  startOver(): void {
    this.uploadId = undefined;
    this.videoId = undefined;
    this.transfer = undefined;
    this.earlier = undefined;
    this.isUnknownToStorage = false;
    this.sentBytes = 0;
  }

  /** Whether `file` is the file of this upload. */
  isOf(file: FileIdentity): boolean {
    return fingerprint(file) === this.fingerprint;
  }

  /** Counts bytes that went, whether they arrived or not. */
  count(bytes: number): void {
    this.#moved += bytes;
  }

  /** Shows how far it is at time `now`. */
  show(now: number): void {
    this.sentBytes = this.transfer?.sentBytes ?? this.sentBytes;
    this.#samples = sample(this.#samples, now, this.#moved);
    const speed = speedOf(this.#samples);
    this.speed = speed ?? undefined;
    this.etaSecs = secondsLeft(this.sizeBytes - this.sentBytes, speed) ?? undefined;
  }

  forgetSpeed(): void {
    this.#samples = [];
    this.speed = undefined;
    this.etaSecs = undefined;
  }
}
