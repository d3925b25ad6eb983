/** Several tabs of these pages: each upload is sent by one of them, the others are told of it. */

/** Gives a claim up. */
export type Release = () => void;

/** What the tab that sends an upload tells the others. */
export interface News {
  readonly fingerprint: string;
  /** `over` when it is finished or deleted. */
  readonly is: "going" | "paused" | "over";
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
 * Pages served over plain HTTP in a local network have none. There two tabs may send the same part, which costs time and does no harm:
 * the storage keeps one of the two.
 */
export function openTabs(): Tabs {
  const channel = new BroadcastChannel("streamforge-uploads");
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
      held.catch(reject);
    });
  }

  return {
    claim: (fingerprint) => take(fingerprint, { ifAvailable: true }),
    claimLater: (fingerprint, signal) => take(fingerprint, { signal }) as Promise<Release>,
    tell: (news) => channel.postMessage(news),
    listen: (heard) => channel.addEventListener("message", ({ data }: MessageEvent<News>) => heard(data)),
  };
}
