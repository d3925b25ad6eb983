import { isProblem } from "../api/errors";
import { pause } from "../api/retry";
import type { Connection } from "./connection.svelte";
import type { Given } from "./intake";
import type { Entry, Journal } from "./journal";
import { LocalUpload } from "./local-upload.svelte";
import { Sender, type SendingEquipment } from "./sender";
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

/** The uploads of this page: takes files and commands, keeps them over visits, shares them with other tabs. */
export class UploadEngine {
  /** In the order in which they were chosen. */
  readonly uploads: LocalUpload[] = $state([]);
  readonly #with: Equipment;
  readonly #sender: Sender;
  #lastAddedAt = 0;
  #isStarted = false;

  constructor(equipment: Equipment) {
    this.#with = equipment;
    this.#sender = new Sender(this.uploads, equipment, {
      noteworthy: (upload) => this.#note(upload),
      over: (upload) => void this.#close(upload),
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
    for (const entry of await this.#with.journal.all()) await this.#recall(entry);
  }

  /** Takes files. Returns the uploads that were on their way already. */
  async add(files: readonly Given[]): Promise<LocalUpload[]> {
    const already: LocalUpload[] = [];
    for (const given of files) {
      const known = this.uploads.find((upload) => upload.isOf(given.file));
      if (known && known.state !== "done" && known.state !== "refused") {
        if (!this.#giveFile(known, given)) already.push(known);
        continue;
      }
      if (known) this.dismiss(known);
      await this.#addNew(given);
    }
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
    await this.#claim(upload);
    this.uploads.push(upload);
    if (upload.release) this.#note(upload);
    this.#sender.pump();
  }

  /** Takes the file of an upload that is known. Returns whether it goes on by that. */
  #giveFile(upload: LocalUpload, { file, handle }: Given): boolean {
    upload.file = file;
    upload.handle = handle ?? upload.handle;
    if (upload.state === "cancelled") upload.isPaused = false;
    else if (upload.state !== "fileless" && upload.state !== "paused" && upload.state !== "failed")
      return false;
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
    const { tabs } = this.#with;
    upload.release = (await tabs.claim(upload.fingerprint)) ?? undefined;
    if (upload.release) return;
    upload.become("elsewhere");
    void tabs.claimLater(upload.fingerprint, upload.stop.signal).then(
      (release) => this.#takeOver(upload, release),
      () => {},
    );
  }

  async #takeOver(upload: LocalUpload, release: Release): Promise<void> {
    upload.release = release;
    const entry = await this.#with.journal.one(upload.fingerprint);
    if (!entry) return this.#leave(upload);
    upload.recall(entry);
    await this.#revive(upload, entry);
  }

  /** Lists an unfinished upload of another visit. */
  async #recall(entry: Entry): Promise<void> {
    if (this.uploads.some((upload) => upload.fingerprint === entry.fingerprint)) return;
    const upload = LocalUpload.of(entry);
    await this.#claim(upload);
    this.uploads.push(upload);
    if (upload.release) await this.#revive(upload, entry);
  }

  /** Goes on with an upload that another visit began, as far as that needs nobody. */
  async #revive(upload: LocalUpload, entry: Entry): Promise<void> {
    if (!upload.file) upload.become("fileless");
    if (entry.isCancelled) return this.#delete(upload);
    if (upload.file) return this.#change(upload, upload.isPaused ? "paused" : "waiting");
    if (!upload.isPaused && (await this.reopen(upload, { mayAsk: false }))) return;
    await this.#lookAt(upload);
  }

  /** Asks how an upload stands whose file is not at hand: it may have ended meanwhile. */
  async #lookAt(upload: LocalUpload): Promise<void> {
    if (!upload.uploadId) return;
    const there = await this.#with.server.look(upload.uploadId).catch((error: unknown) => {
      if (isProblem(error, "/problems/not-found") && upload.state === "fileless") this.#end(upload);
    });
    if (!there || upload.state !== "fileless") return;
    if (there.status === "open") upload.sentBytes = new Transfer(there).sentBytes;
    else this.#end(upload);
  }

  async #hear({ fingerprint, is, sentBytes }: News): Promise<void> {
    const upload = this.uploads.find((upload) => upload.fingerprint === fingerprint);
    if (upload?.state === "elsewhere") {
      if (is === "over") this.#leave(upload);
      else upload.sentBytes = sentBytes;
    } else if (!upload && is !== "over") {
      const entry = await this.#with.journal.one(fingerprint);
      if (entry) await this.#recall(entry);
    }
  }

  async #delete(upload: LocalUpload): Promise<void> {
    this.dismiss(upload);
    try {
      if (upload.uploadId) await this.#with.server.abandon(upload.uploadId);
    } catch (error) {
      // What could not be deleted is deleted by the next visit.
      if (!isProblem(error, "/problems/not-found")) return;
    }
    await this.#close(upload);
  }

  /** Writes down how an upload stands, and tells the other tabs. */
  #note(upload: LocalUpload): void {
    const { journal, tabs } = this.#with;
    void journal.write(upload.entry());
    tabs.tell({
      fingerprint: upload.fingerprint,
      is: upload.state === "paused" ? "paused" : "going",
      sentBytes: upload.sentBytes,
    });
  }

  /** Forgets an upload that has ended, here and in other tabs. */
  async #close(upload: LocalUpload): Promise<void> {
    const { journal, tabs } = this.#with;
    await journal.remove(upload.fingerprint);
    tabs.tell({ fingerprint: upload.fingerprint, is: "over", sentBytes: upload.sentBytes });
    upload.release?.();
    upload.release = undefined;
  }

  #end(upload: LocalUpload): void {
    this.dismiss(upload);
    void this.#close(upload);
  }

  /** Has nothing to do any more with an upload that another tab ended. */
  #leave(upload: LocalUpload): void {
    upload.stop.abort();
    this.dismiss(upload);
    upload.release?.();
    upload.release = undefined;
  }
}
