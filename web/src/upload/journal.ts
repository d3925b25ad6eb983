/**
 * The uploads that are not finished, kept in IndexedDB so that they outlive the page.
 *
 * Which parts are sent is not written here: the storage knows that better.
 */
import type { FileIdentity } from "./fingerprint";

/** An unfinished upload. */
export interface Entry extends FileIdentity {
  /** What it is kept by. */
  readonly fingerprint: string;
  /** The MIME type by the name of the file. */
  readonly type: string;
  /** When it was chosen, which is also its place in the line. */
  readonly addedAt: number;
  /** Known once it is announced. */
  readonly uploadId?: string | undefined;
  /** Known once it is announced. */
  readonly videoId?: string | undefined;
  /** What to show before the server was asked. */
  readonly sentBytes: number;
  readonly isPaused: boolean;
  /** It was to be deleted when the page closed. */
  readonly isCancelled: boolean;
  /** Opens the file again without choosing it, where the browser can. */
  readonly handle?: FileSystemFileHandle | undefined;
}

/** Where entries are kept. */
export interface Journal {
  all(): Promise<Entry[]>;
  one(fingerprint: string): Promise<Entry | undefined>;
  write(entry: Entry): Promise<void>;
  remove(fingerprint: string): Promise<void>;
}

const STORE = "unfinished";

/** The journal of this browser. Where there is no IndexedDB, nothing is kept, and uploads work all the same. */
export function openJournal(): Journal {
  let database: Promise<IDBDatabase> | undefined;

  async function run<T>(
    mode: IDBTransactionMode,
    work: (store: IDBObjectStore) => IDBRequest<T>,
  ): Promise<T> {
    database ??= openDatabase();
    const store = (await database).transaction(STORE, mode).objectStore(STORE);
    return new Promise((resolve, reject) => {
      const request = work(store);
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
  }

  return {
    all: () => run<Entry[]>("readonly", (store) => store.getAll()).then(inOrder, () => []),
    one: (fingerprint) =>
      run<Entry | undefined>("readonly", (store) => store.get(fingerprint)).catch(() => undefined),
    write: (entry) => run("readwrite", (store) => store.put(entry)).then(nothing, nothing),
    remove: (fingerprint) => run("readwrite", (store) => store.delete(fingerprint)).then(nothing, nothing),
  };
}

function openDatabase(): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open("streamforge-uploads", 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore(STORE, { keyPath: "fingerprint" });
    opening.onsuccess = () => resolve(opening.result);
    opening.onerror = () => reject(opening.error);
  });
}

function inOrder(entries: Entry[]): Entry[] {
  return entries.sort((one, other) => one.addedAt - other.addedAt);
}

/** What could not be kept is lost with the page and no sooner; nothing waits for it. */
function nothing(): void {}
