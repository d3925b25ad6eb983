/** Sending one part to the storage. */

/** A part of which the storage takes nothing for so long, or about which it says nothing, is lost. */
const STALLED_MS = 60_000;

const STALL_CHECK_MS = 5_000;

/** What the storage answered. */
export interface PutAnswer {
  readonly status: number;
  readonly body: string;
}

/** The connection to the storage broke, or was never made. */
export class ConnectionLost extends Error {
  override name = "ConnectionLost";

  constructor(/** Where it led, with the port. */ readonly host: string) {
    super();
  }
}

/** Where a part goes. */
export interface PutTarget {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Sends a part, and tells how many of its bytes are on their way. */
export type Put = (
  target: PutTarget,
  part: Blob,
  onSent: (bytes: number) => void,
  signal: AbortSignal,
) => Promise<PutAnswer>;

/**
 * Sends a part, which the browser reads from the disk as it goes. By XMLHttpRequest, because `fetch` does not tell how far it is.
 *
 * @throws {@link ConnectionLost}, or what `signal` was aborted with.
 */
export const putPart: Put = ({ url, headers }, part, onSent, signal) =>
  new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const request = new XMLHttpRequest();
    const { host } = new URL(url);
    // By the clock on the wall: after a device slept, all its connections are old.
    let movedAt = Date.now();
    const stallCheck = setInterval(() => {
      if (Date.now() - movedAt > STALLED_MS) request.abort();
    }, STALL_CHECK_MS);
    const abort = () => request.abort();
    signal.addEventListener("abort", abort);

    request.upload.onprogress = ({ loaded }) => {
      movedAt = Date.now();
      onSent(loaded);
    };
    request.onload = () => resolve({ status: request.status, body: request.responseText });
    request.onerror = () => reject(new ConnectionLost(host));
    request.onabort = () => reject(signal.aborted ? signal.reason : new ConnectionLost(host));
    request.onloadend = () => {
      clearInterval(stallCheck);
      signal.removeEventListener("abort", abort);
    };

    request.open("PUT", url);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.send(part);
  });
