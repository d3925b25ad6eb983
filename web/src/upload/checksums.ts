import type { ChecksumAnswer, ChecksumRequest } from "./checksum.worker";

/** The file cannot be read: it was changed, moved or deleted, or may not be read any more. */
export class FileUnreadable extends Error {
  override name = "FileUnreadable";
}

/**
 * CRC-32C of a part in base 64, taken by a worker.
 *
 * @throws {@link FileUnreadable}
 */
export type Checksum = (part: Blob) => Promise<string>;

/** Starts the worker with the first part. One is enough: it reads faster than a link takes. */
export function openChecksums(): Checksum {
  const waiting = new Map<number, { resolve(checksum: string): void; reject(error: Error): void }>();
  let worker: Worker | undefined;
  let lastId = 0;

  function start(): Worker {
    const worker = new Worker(new URL("./checksum.worker.ts", import.meta.url), { type: "module" });
    worker.onmessage = ({ data }: MessageEvent<ChecksumAnswer>) => {
      const asked = waiting.get(data.id);
      waiting.delete(data.id);
      if ("checksum" in data) asked?.resolve(data.checksum);
      else asked?.reject(new FileUnreadable(data.error));
    };
    return worker;
  }

  return (part) =>
    new Promise((resolve, reject) => {
      worker ??= start();
      const id = ++lastId;
      waiting.set(id, { resolve, reject });
      worker.postMessage({ id, part } satisfies ChecksumRequest);
    });
}
