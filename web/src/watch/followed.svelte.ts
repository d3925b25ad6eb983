import { answer, api, type Video } from "../api/client";
import { isProblem } from "../api/errors";
import { follow, type StreamListener } from "../api/events";
import { isFinal } from "../api/video";
import { whileSeen } from "../library/live";
import { recordOf, takeRecord } from "./ahead";
import { type Standing, withError, withoutVideo, withVideo } from "./standing";

/** When a service that could not be reached is asked again, in milliseconds. */
const ASK_AGAIN_MS = 10_000;

/** One video and what becomes of it, as it happens. */
export class FollowedVideo {
  /** What is known of it. */
  standing = $state.raw<Standing>({ is: "loading" });
  readonly #id: string;
  /** Aborted when the page is left: nothing that comes later counts. */
  readonly #left = new AbortController();
  #stopFollowing: (() => void) | undefined;
  #stopAsking: AbortController | undefined;

  constructor(id: string) {
    this.#id = id;
    void this.refresh();
  }

  /** Asks for it again, and follows it from there. */
  async refresh(): Promise<void> {
    const { signal } = this.#left;
    try {
      this.#learn(await (takeRecord(this.#id) ?? recordOf(this.#id, signal)));
    } catch (error) {
      if (signal.aborted) return;
      // What is no id is no video either.
      const isMissing =
        isProblem(error, "/problems/not-found") || isProblem(error, "/problems/invalid-request");
      this.standing = isMissing ? withoutVideo(this.standing) : withError(this.standing, error);
      if (!isMissing) this.#askAgain();
    }
  }

  /** Has a video that failed tried again. */
  async retry(): Promise<void> {
    const path = { id: this.#id };
    this.#learn(await answer(api.POST("/api/v1/videos/{id}/retry", { params: { path }, body: {} })));
  }

  /** Lets go of it: the page is left. */
  stop(): void {
    this.#left.abort();
    this.#stopFollowing?.();
    this.#stopAsking?.abort();
  }

  #learn(video: Video): void {
    if (this.#left.signal.aborted) return;
    this.standing = withVideo(this.standing, video);
    if (!isFinal(video)) this.#stopFollowing ??= this.#follow();
  }

  /** Asks again in a while, or as soon as the device is online again. */
  #askAgain(): void {
    this.#stopAsking?.abort();
    const stop = (this.#stopAsking = new AbortController());
    const again = () => {
      stop.abort();
      void this.refresh();
    };
    const timer = setTimeout(again, ASK_AGAIN_MS);
    addEventListener("online", again, { signal: stop.signal });
    stop.signal.addEventListener("abort", () => clearTimeout(timer));
  }

  #follow(): () => void {
    const url = `/api/v1/videos/${encodeURIComponent(this.#id)}/events`;
    const listener: StreamListener = {
      event: ({ name, data }) => {
        if (name === "video") this.#learn(JSON.parse(data) as Video);
        if (name === "deleted") this.standing = withoutVideo(this.standing);
      },
      state: (state) => state === "ended" && this.#ended(),
    };
    return whileSeen(() => follow(url, listener));
  }

  /** The service has nothing more to tell: all of it is told, unless the video was deleted while the stream was broken. */
  #ended(): void {
    this.#stopFollowing?.();
    this.#stopFollowing = undefined;
    const { standing } = this;
    if (standing.is === "known" && !isFinal(standing.video)) void this.refresh();
  }
}
