import { backoff, pause } from "./retry";

/** One server-sent event. */
export interface ServerEvent {
  /** Its name, such as `video`. */
  name: string;
  /** Its text, mostly JSON. */
  data: string;
}

/** How a stream of events stands: `waiting` is between two attempts, `ended` is for good. */
export type StreamState = "connecting" | "open" | "waiting" | "ended";

/** What is told of a stream. */
export interface StreamListener {
  event(event: ServerEvent): void;
  state?(state: StreamState): void;
}

/** The service says something every 15 s: after so much silence in milliseconds the connection is dead. */
const SILENCE_MS = 40_000;

/**
 * Reads `text/event-stream` out of pieces of text, as
 * [the standard](https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation) says.
 */
export class EventReader {
  /** What a client that comes back sends as `Last-Event-ID`. */
  lastEventId = "";
  #line = "";
  #id: string | undefined;
  #name = "";
  #data: string[] = [];

  /** The events that are complete with this piece. */
  read(piece: string): ServerEvent[] {
    const lines = (this.#line + piece).split("\n");
    this.#line = lines.pop() ?? "";
    return lines.flatMap((line) => this.#take(line.endsWith("\r") ? line.slice(0, -1) : line) ?? []);
  }

  /** Forgets what was left incomplete by a connection that ended. */
  restart(): void {
    this.#line = "";
    this.#begin();
  }

  #take(line: string): ServerEvent | undefined {
    if (line === "") return this.#finish();
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "event") this.#name = value;
    if (field === "data") this.#data.push(value);
    if (field === "id" && !value.includes("\0")) this.#id = value;
  }

  #finish(): ServerEvent | undefined {
    // An id counts even where nothing else is said: the service marks its signs of life so.
    this.lastEventId = this.#id ?? this.lastEventId;
    const event = { name: this.#name || "message", data: this.#data.join("\n") };
    const isEvent = this.#data.length > 0;
    this.#begin();
    return isEvent ? event : undefined;
  }

  #begin(): void {
    this.#id = undefined;
    this.#name = "";
    this.#data = [];
  }
}

/**
 * Follows a stream of events until the service ends it (204) or the returned function is called. A connection that breaks or falls
 * silent is made again, from where it broke. `EventSource` could not do this: it does not notice silence, and forgets where it was
 * when it is closed.
 */
export function follow(url: string, listener: StreamListener): () => void {
  const stop = new AbortController();
  void keepFollowing(url, listener, stop.signal).catch(() => {
    // Stopped.
  });
  return () => stop.abort();
}

async function keepFollowing(url: string, listener: StreamListener, stopped: AbortSignal): Promise<void> {
  const reader = new EventReader();
  for (let failures = 0; ;) {
    listener.state?.("connecting");
    const end = await connect(url, reader, stopped, {
      state: (state) => {
        if (state === "open") failures = 0;
        listener.state?.(state);
      },
      event: (event) => listener.event(event),
    }).catch(() => "broken" as const);
    if (stopped.aborted) return;
    if (end === "ended") return listener.state?.("ended");
    failures += 1;
    listener.state?.("waiting");
    await backInTouch(backoff(failures + 1), stopped);
  }
}

/** One connection, until it ends or breaks. */
async function connect(
  url: string,
  reader: EventReader,
  stopped: AbortSignal,
  listener: Required<StreamListener>,
): Promise<"ended" | "broken"> {
  stopped.throwIfAborted();
  // Not `AbortSignal.any()`: Firefox has it since 124, Safari since 17.4.
  const cut = new AbortController();
  const end = () => cut.abort();
  stopped.addEventListener("abort", end, { once: true });
  let timer = setTimeout(end, SILENCE_MS);
  const heard = () => {
    clearTimeout(timer);
    timer = setTimeout(end, SILENCE_MS);
  };
  try {
    const headers = new Headers({ accept: "text/event-stream" });
    if (reader.lastEventId) headers.set("last-event-id", reader.lastEventId);
    const response = await fetch(url, { headers, signal: cut.signal, cache: "no-store" });
    // 204: all is told. 404: there is nothing to tell of.
    if (response.status === 204 || response.status === 404) return "ended";
    if (!response.ok || !response.body) return "broken";
    listener.state("open");
    reader.restart();
    const pieces = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      const { done, value } = await pieces.read();
      if (done) return "broken";
      heard();
      for (const event of reader.read(value)) listener.event(event);
    }
  } finally {
    clearTimeout(timer);
    stopped.removeEventListener("abort", end);
  }
}

/** Waits, but not longer than until the device is online again. */
async function backInTouch(milliseconds: number, stopped: AbortSignal): Promise<void> {
  stopped.throwIfAborted();
  const over = new AbortController();
  const wake = () => over.abort();
  addEventListener("online", wake, { once: true });
  stopped.addEventListener("abort", wake, { once: true });
  try {
    await pause(milliseconds, over.signal);
  } catch {
    stopped.throwIfAborted();
  } finally {
    removeEventListener("online", wake);
    stopped.removeEventListener("abort", wake);
  }
}
