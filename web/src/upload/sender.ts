import type { Upload } from "../api/client";
import { Problem, Unreachable, inWords, isProblem, sentence } from "../api/errors";
import { backoff, pause } from "../api/retry";
import { FileUnreadable, ReaderFailed, type Checksum } from "./checksums";
import { afterTrouble, begin, observe, type Concurrency } from "./concurrency";
import { Connection } from "./connection.svelte";
import { nextPart, nextToAnnounce } from "./line";
import type { LocalUpload } from "./local-upload.svelte";
import { ConnectionLost, type Put } from "./put";
import type { Server } from "./server";
import { isUnderWay } from "./state";
import { Transfer } from "./transfer";
import { verdict, type Verdict } from "./verdict";

/** What files are sent with. */
export interface SendingEquipment {
  readonly server: Server;
  readonly put: Put;
  readonly checksum: Checksum;
  /** Told whether something is being sent. */
  keepAwake(sending: boolean): void;
}

/** Who is told what becomes of an upload. */
export interface SenderListener {
  /** It is worth writing down how it stands. */
  noteworthy(upload: LocalUpload): void;
  /** It is done or refused. */
  over(upload: LocalUpload): void;
}

/** How often the progress is shown, in milliseconds. */
const TICK_MS = 250;

/** How often it is written down, in ticks. */
const NOTE_TICKS = 4;

/** How often the storage may refuse one part before its upload fails. */
const MOST_FAILURES = 6;

/** How often it may be too busy for one part before people are told: that is often over in a second. */
const QUIET_FAILURES = 2;

/** How often parts may turn out to hold something else than was sent. */
const MOST_ROUNDS = 3;

/** Between two questions whether the parts are joined: S3 needs minutes for some files. */
const JOINING_CHECK_MS = 1_500;
const JOINING_PATIENCE_MS = 15 * 60_000;

/** An upload that does not go on by itself. Its message tells the user why. */
class Stuck extends Error {
  override name = "Stuck";
}

/** Sends the files of a line: announces them, sends their parts over a few connections in common, completes them. */
export class Sender {
  readonly connection = new Connection(() => this.pump());
  readonly #line: Iterable<LocalUpload>;
  readonly #with: SendingEquipment;
  readonly #listener: SenderListener;
  #concurrency: Concurrency = begin(Date.now());
  /** Parts that are on their way. */
  #busy = 0;
  /** Bytes that went, of all files. */
  #moved = 0;
  #ticker: ReturnType<typeof setInterval> | undefined;
  #ticks = 0;

  constructor(line: Iterable<LocalUpload>, equipment: SendingEquipment, listener: SenderListener) {
    this.#line = line;
    this.#with = equipment;
    this.#listener = listener;
  }

  /** Begins whatever can begin now. To be called after every change of the line. */
  pump(): void {
    while (this.#busy < this.connection.limit(this.#concurrency.limit)) {
      const next = nextPart(this.#line);
      if (!next) break;
      void this.#occupy(next.upload, (signal) => this.#sendPart(next.upload, next.part, signal));
    }
    const upload = this.connection.limit(1) > 0 ? nextToAnnounce(this.#line) : null;
    if (upload) void this.#announceNow(upload);
    const isGoing = [...this.#line].some((upload) => isUnderWay(upload.state));
    this.#with.keepAwake(isGoing);
    if (isGoing) this.#ticker ??= setInterval(() => this.#tick(), TICK_MS);
    else {
      if (this.#ticker !== undefined) this.#ticker = void clearInterval(this.#ticker);
      // Nothing asks any more whether it is back.
      this.connection.forget();
    }
  }

  /** Stops whatever is being done for an upload. Parts that are half-way are lost. */
  halt(upload: LocalUpload): void {
    upload.stop.abort();
    upload.stop = new AbortController();
    upload.isAnnouncing = false;
    upload.sentBytes = upload.transfer?.bytesThere ?? upload.sentBytes;
    upload.earlier = upload.transfer ?? upload.earlier;
    upload.transfer = undefined;
  }

  #tick(): void {
    const now = Date.now();
    const isBusy = this.#busy >= this.#concurrency.limit;
    this.#concurrency = observe(this.#concurrency, { now, bytes: this.#moved, isBusy });
    const isTimeToNote = ++this.#ticks % NOTE_TICKS === 0;
    for (const upload of this.#line) {
      if (upload.state !== "sending") continue;
      upload.show(now);
      // How fast it went before tells nothing of when it goes on.
      if (this.connection.silent !== undefined) upload.forgetSpeed();
      if (isTimeToNote) this.#listener.noteworthy(upload);
    }
    // One more may be allowed now.
    this.pump();
  }

  /** Does something that takes one of the connections. */
  async #occupy(upload: LocalUpload, work: (signal: AbortSignal) => Promise<void>): Promise<void> {
    this.#busy += 1;
    await this.#attempt(upload, work);
    this.#busy -= 1;
    this.pump();
  }

  /** Does something for an upload. Its errors are dealt with; those of what was halted are nobody's concern. */
  async #attempt(upload: LocalUpload, work: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const { signal } = upload.stop;
    await work(signal).catch((error: unknown) => {
      if (!signal.aborted) this.#failed(upload, error);
    });
  }

  /** Announces an upload; until that has succeeded or its failure is dealt with, no other. */
  async #announceNow(upload: LocalUpload): Promise<void> {
    const { signal } = upload.stop;
    upload.isAnnouncing = true;
    await this.#attempt(upload, (signal) => this.#announce(upload, signal));
    if (!signal.aborted) upload.isAnnouncing = false;
    this.pump();
  }

  /** Tells the server of a file, or asks what it has of it. */
  async #announce(upload: LocalUpload, signal: AbortSignal): Promise<void> {
    const there = await this.#find(upload);
    signal.throwIfAborted();
    upload.videoId = there.video_id;
    this.connection.answered("service");
    if (there.status === "completed") return this.#done(upload);
    upload.transfer = new Transfer(there, upload.earlier);
    upload.show(Date.now());
    this.#listener.noteworthy(upload);
    this.#completeIfSent(upload, upload.transfer);
  }

  async #find(upload: LocalUpload): Promise<Upload> {
    const { server } = this.#with;
    if (!upload.uploadId) {
      const there = server.announce(upload.entry());
      // Whatever becomes of it meanwhile, so that an upload that was cancelled is deleted there too.
      upload.announcement = there.then(
        ({ id }) => void (upload.uploadId = id),
        () => {},
      );
      return there;
    }
    const there = await server.look(upload.uploadId);
    const isLeftOver = there.status === "open" && upload.isUnknownToStorage;
    // Its video was deleted, and the parts with it. The next attempt must not find it again.
    if (isLeftOver) await server.abandon(upload.uploadId);
    if (isLeftOver || there.status === "aborted") throw gone(upload);
    return there;
  }

  async #sendPart(upload: LocalUpload, part: number, signal: AbortSignal): Promise<void> {
    const { transfer, file } = upload;
    if (!transfer || !file) return;
    if (upload.state === "waiting") upload.become("sending");
    transfer.take(part);
    const bytes = transfer.slice(file, part);
    const checksum = await this.#with.checksum(bytes);
    signal.throwIfAborted();
    const answer = await this.#put(upload, transfer, part, bytes, checksum, signal).catch(
      (error: unknown) => {
        transfer.putBack(part);
        throw error;
      },
    );
    signal.throwIfAborted();
    if (answer.then !== "wait") this.connection.answered("storage");
    switch (answer.then) {
      case "sent":
        transfer.sent(part, checksum);
        return this.#completeIfSent(upload, transfer);
      case "ask the server":
        this.halt(upload);
        upload.isUnknownToStorage = true;
        return upload.become("waiting");
      default:
        return this.#tryAgain(upload, transfer, part, answer, signal);
    }
  }

  /** Sends a part to a URL of this moment; when the storage finds that it expired, to another one. */
  async #put(
    upload: LocalUpload,
    transfer: Transfer,
    part: number,
    bytes: Blob,
    checksum: string,
    signal: AbortSignal,
  ): Promise<Verdict> {
    for (let isFirst = true; ; isFirst = false) {
      const target = await this.#with.server.sign(transfer.uploadId, part, checksum, signal);
      this.connection.answered("service");
      const count = (loaded: number) => {
        const moved = transfer.moved(part, loaded);
        upload.count(moved);
        this.#moved += moved;
        if (moved > 0) this.connection.moved("storage");
      };
      const { status, body } = await this.#with.put(target, bytes, count, signal);
      const answer = verdict(status, body);
      if (answer.then !== "sign again" || !isFirst) return answer;
      transfer.moved(part, 0);
    }
  }

  /** Has a part that the storage did not take sent again after a pause, which others may use. */
  #tryAgain(
    upload: LocalUpload,
    transfer: Transfer,
    part: number,
    answer: { then: string; why: string },
    signal: AbortSignal,
  ): void {
    const failures = transfer.lost(part);
    if (answer.then === "wait" && (failures > QUIET_FAILURES || this.connection.silent !== undefined)) {
      transfer.excuse(part);
      return this.#wait(upload, "storage", sentence(answer.why), true);
    }
    if (answer.then === "give up" || failures > MOST_FAILURES) {
      throw new Stuck(`The storage does not take the file: ${answer.why}. Try again later.`);
    }
    this.#concurrency = afterTrouble(this.#concurrency, Date.now());
    const again = () => {
      transfer.putBack(part);
      this.pump();
    };
    void pause(backoff(failures), signal).then(again, () => {});
  }

  #completeIfSent(upload: LocalUpload, transfer: Transfer): void {
    if (transfer.isAllSent) void this.#attempt(upload, (signal) => this.#complete(upload, transfer, signal));
  }

  /** Has what arrived compared with the file, and joined. */
  async #complete(upload: LocalUpload, transfer: Transfer, signal: AbortSignal): Promise<void> {
    upload.show(Date.now());
    upload.become("completing");
    if (upload.file) await this.#readRest(transfer, upload.file, signal);
    const begun = Date.now();
    while (
      (await this.#with.server.complete(transfer.uploadId, transfer.checksums, signal)).status !== "completed"
    ) {
      this.connection.answered("service");
      if (Date.now() - begun > JOINING_PATIENCE_MS)
        throw new Stuck("The storage is still joining the parts. Try again later: nothing is sent twice.");
      await pause(JOINING_CHECK_MS, signal);
    }
    signal.throwIfAborted();
    this.#done(upload);
  }

  /** Takes the checksums of what an earlier visit sent. They tell when that was of another file with the same name, size and time. */
  async #readRest(transfer: Transfer, file: File, signal: AbortSignal): Promise<void> {
    for (const part of transfer.unread) {
      const checksum = await this.#with.checksum(transfer.slice(file, part));
      signal.throwIfAborted();
      transfer.checksums.set(part, checksum);
    }
  }

  #done(upload: LocalUpload): void {
    this.connection.answered("service");
    upload.sentBytes = upload.sizeBytes;
    upload.become("done");
    this.#end(upload);
  }

  #end(upload: LocalUpload): void {
    upload.file = undefined;
    upload.transfer = undefined;
    upload.earlier = undefined;
    this.#listener.over(upload);
    this.pump();
  }

  #failed(upload: LocalUpload, error: unknown): void {
    if (error instanceof ConnectionLost) this.#wait(upload, "storage", `Files are sent to ${error.host}.`);
    else if (error instanceof Unreachable) this.#wait(upload, "service");
    else if (error instanceof Problem && error.status >= 500) this.#wait(upload, "service", inWords(error));
    else if (error instanceof FileUnreadable) this.#fileLost(upload);
    else if (error instanceof Problem && REFUSALS.has(error.type)) this.#refused(upload, error);
    else if (isProblem(error, "/problems/upload-incomplete")) this.#sendAgain(upload, error);
    else if (isProblem(error, "/problems/upload-state") || isProblem(error, "/problems/not-found"))
      this.#stop(upload, gone(upload).message);
    else this.#stop(upload, isInWords(error) ? error.message : inWords(error));
  }

  /** Goes on when the connection is back. */
  #wait(upload: LocalUpload, silent: "storage" | "service", detail?: string, isBusy = false): void {
    // All that was on its way fails together, and then each probe until it is back: that is one trouble.
    if (this.connection.silent === undefined) this.#concurrency = afterTrouble(this.#concurrency, Date.now());
    this.connection.lost(silent, detail, isBusy);
    // Its parts have been put back; anything else begins by asking the server anew.
    if (upload.state === "completing" || !upload.isAnnounced) {
      this.halt(upload);
      upload.become("waiting");
    }
  }

  #fileLost(upload: LocalUpload): void {
    this.halt(upload);
    upload.file = undefined;
    upload.handle = undefined;
    upload.become("fileless", "The file was changed, moved or deleted.");
    this.#listener.noteworthy(upload);
    this.pump();
  }

  #refused(upload: LocalUpload, problem: Problem): void {
    upload.become("refused", inWords(problem));
    this.#end(upload);
  }

  #sendAgain(upload: LocalUpload, { parts }: Problem): void {
    const { transfer } = upload;
    if (!transfer) return;
    if (transfer.repeat(parts) > MOST_ROUNDS)
      return this.#stop(upload, "The storage does not have what was sent, time and again. Try again later.");
    upload.become("sending");
    this.#completeIfSent(upload, transfer);
    this.pump();
  }

  #stop(upload: LocalUpload, message: string): void {
    this.halt(upload);
    upload.become("failed", message);
    this.#listener.noteworthy(upload);
    this.pump();
  }
}

/** Problems that no other attempt changes. */
const REFUSALS: ReadonlySet<string> = new Set([
  "/problems/empty",
  "/problems/too_large",
  "/problems/not_video",
  "/problems/invalid-request",
]);

function isInWords(error: unknown): error is Error {
  return error instanceof Stuck || error instanceof ReaderFailed;
}

/** It was deleted or has expired. Another attempt begins from nothing. */
function gone(upload: LocalUpload): Stuck {
  upload.startOver();
  return new Stuck("The service does not have this upload any more. Try again to upload it anew.");
}
