import { isProblem, Problem, Unreachable } from "../api/errors";
import { backoff, pause } from "../api/retry";
import type { Connection } from "./connection.svelte";
import type { Given } from "./intake";
import type { Entry, Journal } from "./journal";
import { LocalUpload } from "./local-upload.svelte";
import { Sender, type SendingEquipment } from "./sender";
import { isUnderWay, standsStill } from "./state";
import type { News, Release, Tabs } from "./tabs";
import { Transfer } from "./transfer";

/** What the engine does its work with. */
export interface Equipment extends SendingEquipment {
  readonly journal: Journal;
  readonly tabs: Tabs;
  /** Opens a file of an earlier visit again; nothing when the user must be asked first. */
  openAgain(handle: FileSystemFileHandle, options: { mayAsk: boolean }): Promise<File | null>;
}

/** How long a cancelled upload can be had back. */
const UNDO_MS = 8_000;

/** How much later than its lock the news of an upload may come from another tab. */
const NEWS_MS = 500;

/** The uploads of this page: takes files and commands, keeps them over visits, shares them with other tabs. */
export class UploadEngine {
  /** In the order in which they were chosen. */
  readonly uploads: LocalUpload[] = $state([]);
  readonly #with: Equipment;
  readonly #sender: Sender;
  /** What is being deleted or forgotten, by fingerprint: the same file can begin anew when that has come to its end. */
  readonly #endings = new Map<string, Promise<void>>();
  #lastAddedAt = 0;
  #isStarted = false;

  constructor(equipment: Equipment) {
    this.#with = equipment;
    this.#sender = new Sender(this.uploads, equipment, {
      noteworthy: (upload) => this.#note(upload),
      over: (upload) => void this.#ending(upload, this.#close(upload, "over")),
    });
  }

  /** Whether the server can be reached. */
  get connection(): Connection {
    return this.#sender.connection;
  }

  /** Goes on with what earlier visits left unfinished. */
  async start(): Promise<void> {
    if (this.#isStarted) return;
    this.#isStarted = true;
    this.#with.tabs.listen((news) => void this.#hear(news));
    const entries = await this.#with.journal.all();
    await Promise.all(entries.map((entry) => this.#recall(entry)));
  }

  /** Takes files. Returns the uploads that were on their way already. */
  async add(files: readonly Given[]): Promise<LocalUpload[]> {
    const already: LocalUpload[] = [];
    const begun: Promise<void>[] = [];
    for (const given of files) {
      const known = this.uploads.find((upload) => upload.isOf(given.file));
      if (known && known.state !== "done" && known.state !== "refused") {
        if (!this.#giveFile(known, given)) already.push(known);
        continue;
      }
      if (known) this.dismiss(known);
      begun.push(this.#addNew(given));
    }
    await Promise.all(begun);
    return already;
  }

  /** Lets an upload stand still. */
  pause(upload: LocalUpload): void {
    upload.isPaused = true;
    this.#change(upload, "paused");
  }

  /** Goes on after a pause or a failure. */
  resume(upload: LocalUpload): void {
    upload.isPaused = false;
    this.#change(upload, "waiting");
    upload.earlier?.forgive();
  }

  /** Opens the file of an earlier visit again, where its handle allows that. To be called from a click, unless it may not ask. */
  async reopen(upload: LocalUpload, { mayAsk = true } = {}): Promise<boolean> {
    const { handle } = upload;
    if (!handle) return false;
    const file = await this.#with.openAgain(handle, { mayAsk }).catch(() => undefined);
    if (file && upload.isOf(file)) return this.#giveFile(upload, { file, handle });
    // Nothing but a permission may be missing; otherwise the file is gone, or is another one.
    if (file !== null) {
      upload.handle = undefined;
      upload.message = "The file was changed, moved or deleted.";
    }
    return false;
  }

  /** Deletes an upload, unless that is undone in time. */
  cancel(upload: LocalUpload): void {
    this.#change(upload, "cancelled");
    void pause(UNDO_MS, upload.stop.signal).then(
      () => this.#delete(upload),
      () => {},
    );
  }

  /** Takes `cancel` back. */
  undo(upload: LocalUpload): void {
    if (!upload.file) this.#change(upload, "fileless");
    else this.#change(upload, upload.isPaused ? "paused" : "waiting");
  }

  /** Lets what is under way stand still. Returns what lets it go on, unless the user has decided otherwise since. */
  hold(upload: LocalUpload): () => void {
    if (!isUnderWay(upload.state)) return () => {};
    this.pause(upload);
    return () => {
      if (upload.state === "paused") this.resume(upload);
    };
  }

  /** Forgets an upload whose video was deleted. */
  forget(upload: LocalUpload): void {
    if (upload.state === "elsewhere") return;
    this.#sender.halt(upload);
    if (upload.isOurs) this.#end(upload);
    else this.dismiss(upload);
    this.#sender.pump();
  }

  /** Takes an upload that has ended off the list. */
  dismiss(upload: LocalUpload): void {
    const place = this.uploads.indexOf(upload);
    if (place >= 0) this.uploads.splice(place, 1);
  }

  async #addNew({ file, handle }: Given): Promise<void> {
    this.#lastAddedAt = Math.max(Date.now(), this.#lastAddedAt + 1);
    const upload = new LocalUpload(file, this.#lastAddedAt);
    upload.file = file;
    upload.handle = handle;
    // It is listed before it is claimed: given twice in a moment, the file is one upload all the same.
    this.uploads.push(upload);
    await this.#claim(upload);
    if (upload.isOurs) this.#note(upload);
    this.#sender.pump();
  }

  /** Takes the file of an upload that is known. Returns whether it goes on by that. */
  #giveFile(upload: LocalUpload, { file, handle }: Given): boolean {
    upload.file = file;
    upload.handle = handle ?? upload.handle;
    if (upload.state === "elsewhere") {
      this.#ask(upload);
      return standsStill(upload.there);
    }
    if (!standsStill(upload.state)) return false;
    this.resume(upload);
    return true;
  }

  #change(upload: LocalUpload, state: LocalUpload["state"]): void {
    this.#sender.halt(upload);
    upload.become(state);
    this.#note(upload);
    this.#sender.pump();
  }

  /** Lets the upload be sent by this tab only, or waits for the one that has it to leave. */
  async #claim(upload: LocalUpload): Promise<void> {
    await this.#endings.get(upload.fingerprint);
    const release = await this.#with.tabs.claim(upload.fingerprint);
    if (!this.uploads.includes(upload)) return release?.();
    upload.release = release ?? undefined;
    if (release) return;
    this.#awaitTurn(upload);
    this.#ask(upload);
  }

  #awaitTurn(upload: LocalUpload): void {
    this.#sender.halt(upload);
    upload.become("elsewhere");
    void this.#with.tabs.claimLater(upload.fingerprint, upload.stop.signal).then(
      (release) => this.#takeOver(upload, release),
      () => {},
    );
  }

  async #takeOver(upload: LocalUpload, release: Release): Promise<void> {
    upload.release = release;
    const entry = await this.#with.journal.one(upload.fingerprint);
    if (entry) {
      upload.recall(entry);
      return this.#revive(upload, entry);
    }
    // It was deleted, and this tab was given its file: it begins anew, unless it turns out to have come to its end.
    if (upload.file) await pause(NEWS_MS, upload.stop.signal).catch(() => {});
    if (!upload.file) this.#leave(upload);
    if (!upload.isOurs) return;
    upload.startOver();
    this.#change(upload, "waiting");
  }

  /** Leaves an upload that stands still to a tab that was given its file. */
  async #handOver(upload: LocalUpload): Promise<void> {
    const { release } = upload;
    upload.release = undefined;
    upload.isPaused = false;
    this.#awaitTurn(upload);
    await this.#with.journal.write(upload.entry());
    release?.();
  }

  /** Lists an unfinished upload of another visit. */
  async #recall(entry: Entry): Promise<void> {
    if (this.uploads.some((upload) => upload.fingerprint === entry.fingerprint)) return;
    const upload = LocalUpload.of(entry);
    upload.become("fileless");
    this.uploads.push(upload);
    await this.#claim(upload);
    if (upload.isOurs) await this.#revive(upload, entry);
  }

  /** Goes on with an upload that another visit began, as far as that needs nobody. */
  async #revive(upload: LocalUpload, entry: Entry): Promise<void> {
    if (upload.file) return this.#change(upload, upload.isPaused ? "paused" : "waiting");
    upload.become("fileless");
    if (entry.isCancelled) return this.#delete(upload, { isCertain: true });
    if (!upload.isPaused && (await this.reopen(upload, { mayAsk: false }))) return;
    this.#tell(upload);
    await this.#lookAt(upload);
  }

  /** Asks how an upload stands whose file is not at hand, until that is answered: it may have ended meanwhile. */
  async #lookAt(upload: LocalUpload, attempt = 1): Promise<void> {
    if (!upload.uploadId) return;
    const { signal } = upload.stop;
    const there = await this.#with.server.look(upload.uploadId).catch((error: unknown) => {
      if (isProblem(error, "/problems/not-found")) return "gone";
      const again = () => this.#lookAt(upload, attempt + 1);
      if (mayPass(error)) void pause(backoff(attempt), signal).then(again, () => {});
    });
    if (!there || upload.state !== "fileless") return;
    if (there === "gone" || there.status === "aborted") this.#expire(upload);
    else if (there.status === "open") upload.sentBytes = new Transfer(there).sentBytes;
    else this.#end(upload);
  }

  /** Keeps an upload on the list that the service does not have any more: only the user knows whether it is still wanted. */
  #expire(upload: LocalUpload): void {
    upload.startOver();
    upload.message = "The service does not have what was sent any more: it expired or was deleted.";
    this.#note(upload);
  }

  async #hear({ fingerprint, is, sentBytes }: News): Promise<void> {
    const upload = this.uploads.find((upload) => upload.fingerprint === fingerprint);
    if (is === "asked" || is === "wanted") {
      if (!upload?.isOurs) return;
      if (is === "wanted" && standsStill(upload.state)) return this.#handOver(upload);
      this.#tell(upload);
    } else if (upload && !upload.file && standsStill(upload.state) && (is === "over" || is === "deleted")) {
      // It seemed to be ours: where there are no locks, everything does.
      this.#leave(upload);
    } else if (upload?.state === "elsewhere") {
      if (is === "over" || (is === "deleted" && !upload.file)) return this.#leave(upload);
      if (is === "deleted") return;
      upload.there = is;
      upload.sentBytes = sentBytes;
    } else if (!upload && is !== "over" && is !== "deleted") {
      const entry = await this.#with.journal.one(fingerprint);
      if (entry) await this.#recall(entry);
    }
  }

  async #delete(upload: LocalUpload, { isCertain = false } = {}): Promise<void> {
    this.dismiss(upload);
    await this.#ending(upload, this.#abandon(upload, 1, isCertain));
  }

  async #abandon(upload: LocalUpload, attempt: number, isCertain = false): Promise<void> {
    // Before that is answered, nobody knows what to delete.
    await upload.announcement;
    try {
      if (!isCertain && (await this.#isOver(upload))) return await this.#close(upload, "over");
      if (upload.uploadId) await this.#with.server.abandon(upload.uploadId);
    } catch (error) {
      if (!isProblem(error, "/problems/not-found")) {
        this.#letGo(upload);
        if (mayPass(error)) void pause(backoff(attempt)).then(() => this.#abandonAgain(upload, attempt + 1));
        return;
      }
    }
    await this.#close(upload, "deleted");
  }

  /** Whether another tab has brought an upload to its end of which this one has no file: where there are no locks, nobody may know. */
  async #isOver({ uploadId, file }: LocalUpload): Promise<boolean> {
    if (!uploadId || file) return false;
    const { status } = await this.#with.server.look(uploadId);
    return status === "completing" || status === "completed";
  }

  /** Deletes what could not be deleted so far, unless it has been given again meanwhile, here or in another tab. */
  async #abandonAgain(upload: LocalUpload, attempt: number): Promise<void> {
    const { fingerprint } = upload;
    if (this.#endings.has(fingerprint) || this.uploads.some((other) => other.fingerprint === fingerprint))
      return;
    const abandon = async () => {
      upload.release = (await this.#with.tabs.claim(fingerprint)) ?? undefined;
      const entry = upload.release && (await this.#with.journal.one(fingerprint));
      if (entry?.isCancelled) await this.#abandon(upload, attempt);
      else this.#letGo(upload);
    };
    await this.#ending(upload, abandon());
  }

  /** Writes down how an upload stands, and tells the other tabs. */
  #note(upload: LocalUpload): void {
    // Another tab has it, or this one does not know yet.
    if (!upload.isOurs) return;
    void this.#with.journal.write(upload.entry());
    this.#tell(upload);
  }

  #tell({ fingerprint, state, sentBytes }: LocalUpload): void {
    this.#with.tabs.tell({ fingerprint, is: state, sentBytes });
  }

  /** Asks the tab that has an upload how it stands there, or to leave it to this one. */
  #ask({ fingerprint, file, sentBytes }: LocalUpload): void {
    this.#with.tabs.tell({ fingerprint, is: file ? "wanted" : "asked", sentBytes });
  }

  /** Forgets an upload that has ended, here and in other tabs. */
  async #close(upload: LocalUpload, is: "over" | "deleted"): Promise<void> {
    const { journal, tabs } = this.#with;
    await journal.remove(upload.fingerprint);
    tabs.tell({ fingerprint: upload.fingerprint, is, sentBytes: upload.sentBytes });
    this.#letGo(upload);
  }

  #ending({ fingerprint }: LocalUpload, ending: Promise<void>): Promise<void> {
    const ended = ending.finally(() => {
      if (this.#endings.get(fingerprint) === ended) this.#endings.delete(fingerprint);
    });
    this.#endings.set(fingerprint, ended);
    return ended;
  }

  #letGo(upload: LocalUpload): void {
    upload.release?.();
    upload.release = undefined;
  }

  #end(upload: LocalUpload): void {
    this.dismiss(upload);
    void this.#ending(upload, this.#close(upload, "over"));
  }

  /** Has nothing to do any more with an upload that another tab ended. */
  #leave(upload: LocalUpload): void {
    upload.stop.abort();
    this.dismiss(upload);
    this.#letGo(upload);
  }
}

/** Whether another attempt may go better. */
function mayPass(error: unknown): boolean {
  return error instanceof Unreachable || (error instanceof Problem && error.status >= 500);
}
