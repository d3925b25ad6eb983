import { backoff } from "../api/retry";
import type { ChecksumAnswer, ChecksumRequest } from "./checksum.worker";

/** The file cannot be read: it was changed, moved or deleted, or may not be read any more. */
export class FileUnreadable extends Error {
  override name = "FileUnreadable";
}

/** The worker does not start or crashes, time and again. A page of an older release may ask for one that is not there any more. */
export class ReaderFailed extends Error {
  override name = "ReaderFailed";

  constructor() {
    super(
      "The browser could not start what reads the file. Reload the page: what was sent is not sent again.",
    );
  }
}

/**
 * CRC-32C of a part in base 64, taken by a worker.
 *
 * @throws {@link FileUnreadable}, {@link ReaderFailed}
 */
export type Checksum = (part: Blob) => Promise<string>;

/** So many bytes a worker reads. Browsers let what it has read lie about, hundreds of megabytes in the end; with the worker it goes. */
const WORKER_BYTES = 128 << 20;

/** How often the worker may fail without having read anything in between. */
const MOST_FAILURES = 3;

interface Asked {
  readonly part: Blob;
  resolve(checksum: string): void;
  reject(error: Error): void;
}

/** Starts the worker with the first part, and another one when it fails. One is enough: it reads faster than a link takes. */
export function openChecksums(): Checksum {
  const waiting = new Map<number, Asked>();
  let worker: Worker | undefined;
  let lastId = 0;
  let failures = 0;

  function start(): Worker {
    let readBytes = 0;
    const started = new Worker(new URL("./checksum.worker.ts", import.meta.url), { type: "module" });
    started.onmessage = ({ data }: MessageEvent<ChecksumAnswer>) => {
      failures = 0;
      const asked = waiting.get(data.id);
      waiting.delete(data.id);
      readBytes += asked?.part.size ?? 0;
      if (readBytes > WORKER_BYTES && waiting.size === 0) {
        started.terminate();
        worker = undefined;
      }
      if ("checksum" in data) asked?.resolve(data.checksum);
      else asked?.reject(new FileUnreadable(data.error));
    };
    started.onerror = started.onmessageerror = () => failed(started);
    return started;
  }

  /** Has another one asked, after a pause. */
  function failed(broken: Worker): void {
    broken.terminate();
    if (worker !== broken) return;
    worker = undefined;
    if (++failures < MOST_FAILURES) return void setTimeout(askAgain, backoff(failures));
    failures = 0;
    for (const { reject } of waiting.values()) reject(new ReaderFailed());
    waiting.clear();
  }

  function askAgain(): void {
    for (const [id, { part }] of waiting) ask(id, part);
  }

  function ask(id: number, part: Blob): void {
    worker ??= start();
    worker.postMessage({ id, part } satisfies ChecksumRequest);
  }

  return (part) =>
    new Promise((resolve, reject) => {
      const id = ++lastId;
      waiting.set(id, { part, resolve, reject });
      // After a failure it is asked with the others.
      if (worker || failures === 0) ask(id, part);
    });
}
