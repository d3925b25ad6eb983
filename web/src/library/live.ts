import { answer, api, type Video } from "../api/client";
import { follow, type StreamState } from "../api/events";
import type { Catalog } from "./catalog.svelte";

/** Videos of one page of the list: as many as the service gives. */
const PAGE = 200;

/** How long the list waits for the stream, so that nothing falls between the two, in milliseconds. */
const PATIENCE_MS = 1500;

/** How often the list is asked while there is no stream. */
const POLL_MS = 5000;

/** Videos whose progress is asked one by one while there is no stream, at most. */
const POLLED_ONE_BY_ONE = 10;

/** How a page learns of changes: as they happen, every few seconds, or not at all. */
export type Liveness = "live" | "polling" | "connecting";

/**
 * Keeps a catalog up to date until the returned function is called: by server-sent events, and while those do not come, by asking.
 * It connects first and then lists, so that nothing is missed in between.
 */
export function keepUpToDate(catalog: Catalog, tell: (liveness: Liveness) => void): () => void {
  const keeper = new Keeper(catalog, tell);
  return () => keeper.stop();
}

class Keeper {
  readonly #stop = new AbortController();
  readonly #stopFollowing: () => void;
  /** Of each listing that is under way, what was heard of since it began. */
  readonly #listings = new Set<Set<string>>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isOpen = false;
  #wasListed = false;

  constructor(
    private readonly catalog: Catalog,
    private readonly tell: (liveness: Liveness) => void,
  ) {
    tell("connecting");
    this.#timer = setTimeout(() => this.#poll(), PATIENCE_MS);
    this.#stopFollowing = follow("/api/v1/events", {
      event: ({ name, data }) => this.#take(name, data),
      state: (state) => this.#turn(state),
    });
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#stopFollowing();
    this.#stop.abort();
  }

  #turn(state: StreamState): void {
    if (state === "open") {
      this.#isOpen = true;
      clearTimeout(this.#timer);
      // A stream that comes back tells what was missed, or that all is to be listed again.
      if (this.#wasListed && !this.catalog.error) this.tell("live");
      else void this.list().then(() => this.#isOpen && this.tell("live"));
    } else if (this.#isOpen) {
      this.#isOpen = false;
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#poll(), POLL_MS);
    }
  }

  #take(name: string, data: string): void {
    if (name === "reset") return void this.list();
    if (name === "video") {
      const video = JSON.parse(data) as Video;
      for (const heardOf of this.#listings) heardOf.add(video.id);
      this.catalog.learn(video);
    }
    if (name === "deleted") this.catalog.forget((JSON.parse(data) as { id: string }).id);
  }

  async #poll(): Promise<void> {
    await this.list();
    await this.#askOneByOne();
    if (this.#isOpen || this.#stop.signal.aborted) return;
    this.tell("polling");
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#poll(), POLL_MS);
  }

  /** Lists all videos, page by page; the first page shows before the last has come. */
  async list(): Promise<void> {
    const { signal } = this.#stop;
    const heardOf = new Set<string>();
    this.#listings.add(heardOf);
    try {
      const all: Video[] = [];
      let cursor: string | undefined;
      do {
        const query = cursor === undefined ? { limit: PAGE } : { limit: PAGE, cursor };
        const page = await answer(api.GET("/api/v1/videos", { params: { query }, signal }));
        this.catalog.learn(...page.videos);
        all.push(...page.videos);
        cursor = page.next_cursor ?? undefined;
      } while (cursor !== undefined);
      this.catalog.learnAll(all, heardOf);
      this.catalog.error = undefined;
      this.#wasListed = true;
    } catch (error) {
      if (signal.aborted) return;
      this.catalog.error = error;
      if (!this.#isOpen) return;
      // Nothing else asks again while the stream is there.
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.list(), POLL_MS);
    } finally {
      this.#listings.delete(heardOf);
    }
  }

  /** Lists do not tell how far a video is. */
  async #askOneByOne(): Promise<void> {
    const atWork = this.catalog.videos.filter((video) => video.status === "processing");
    const { signal } = this.#stop;
    await Promise.allSettled(
      atWork.slice(0, POLLED_ONE_BY_ONE).map(async ({ id }) => {
        const one = api.GET("/api/v1/videos/{id}", { params: { path: { id } }, signal });
        this.catalog.learn(await answer(one));
      }),
    );
  }
}

/** How long nobody looks before the stream is given up, in milliseconds. Each takes one of the few connections to a host. */
const UNSEEN_MS = 60_000;

/** Runs what `start` starts, but not before the page is seen, nor while it has been in the background for long. Returns what ends it. */
export function whileSeen(start: () => () => void): () => void {
  let stop: (() => void) | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const end = () => {
    stop?.();
    stop = undefined;
  };
  const turn = () => {
    clearTimeout(timer);
    if (document.hidden) timer = setTimeout(end, UNSEEN_MS);
    else stop ??= start();
  };
  document.addEventListener("visibilitychange", turn);
  turn();
  return () => {
    clearTimeout(timer);
    document.removeEventListener("visibilitychange", turn);
    end();
  };
}
