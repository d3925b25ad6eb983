/** Several tabs of these pages: each upload is sent by one of them, the others are told of it. */
import type { UploadState } from "./state";

/** Gives a claim up. */
export type Release = () => void;

/** What tabs tell each other of an upload. */
export interface News {
  readonly fingerprint: string;
  /**
   * The tab that has it tells how it stands, `over` when it came to its end, `deleted` when it was given up. Another one asks how it
   * stands (`asked`), or has been given its file and would send it (`wanted`).
   */
  readonly is: UploadState | "over" | "deleted" | "asked" | "wanted";
  readonly sentBytes: number;
}

/** The other tabs, as far as this one has to do with them. */
export interface Tabs {
  /** Claims an upload for this tab; nothing when another one has it. */
  claim(fingerprint: string): Promise<Release | null>;
  /** Claims it as soon as the tab that has it closes or gives it up. */
  claimLater(fingerprint: string, signal: AbortSignal): Promise<Release>;
  tell(news: News): void;
  listen(heard: (news: News) => void): void;
}

/**
 * By [Web Locks](https://w3c.github.io/web-locks/), which end with their tab however it ends.
 *
 * Pages served over plain HTTP in a local network have none. There each tab takes every upload for its own, and two that are given the
 * same file may send the same part: the storage keeps one of the two. The same holds for browsers that are told to keep nothing: they
 * refuse locks and channels.
 */
export function openTabs(): Tabs {
  const channel = openChannel();
  const lock = (fingerprint: string) => `streamforge-upload ${fingerprint}`;
  const locks = navigator.locks as LockManager | undefined;

  /** Takes a lock that is held until it is released. */
  function take(fingerprint: string, options: LockOptions): Promise<Release | null> {
    if (!locks) return Promise.resolve(() => {});
    return new Promise((resolve, reject) => {
      const held = locks.request(lock(fingerprint), options, (granted) => {
        if (!granted) return resolve(null);
        return new Promise<void>((release) => resolve(release));
      });
      held.catch((error: unknown) => {
        if (error instanceof DOMException && error.name === "AbortError") reject(error);
        else resolve(() => {});
      });
    });
  }

  return {
    claim: (fingerprint) => take(fingerprint, { ifAvailable: true }),
    claimLater: (fingerprint, signal) => take(fingerprint, { signal }) as Promise<Release>,
    tell: (news) => channel?.postMessage(news),
    listen: (heard) => channel?.addEventListener("message", ({ data }: MessageEvent<News>) => heard(data)),
  };
}

function openChannel(): BroadcastChannel | undefined {
  try {
    return new BroadcastChannel("streamforge-uploads");
  } catch {
    // Firefox, where cookies are forbidden.
    return undefined;
  }
}
