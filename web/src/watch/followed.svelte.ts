import { answer, api, type Video } from "../api/client";
import { isProblem } from "../api/errors";
import { follow } from "../api/events";
import { type Standing, withError, withoutVideo, withVideo } from "./standing";

/** When a service that could not be reached is asked again, in milliseconds. */
const ASK_AGAIN_MS = 10_000;

/** One video and what becomes of it, as it happens. */
export class FollowedVideo {
  /** What is known of it. */
  standing = $state.raw<Standing>({ is: "loading" });
  readonly #id: string;
  #stopFollowing: (() => void) | undefined;
  #stopAsking: AbortController | undefined;

  constructor(id: string) {
    this.#id = id;
    void this.refresh();
  }

  /** Asks for it again, and follows it from there. */
  async refresh(): Promise<void> {
    const asked = api.GET("/api/v1/videos/{id}", { params: { path: { id: this.#id } } });
    try {
      this.#learn(await answer(asked));
    } catch (error) {
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

  stop(): void {
    this.#stopFollowing?.();
    this.#stopFollowing = undefined;
    this.#stopAsking?.abort();
  }

  #learn(video: Video): void {
    this.standing = withVideo(this.standing, video);
    const isFinal = video.status === "ready" || video.status === "failed";
    if (!isFinal) this.#stopFollowing ??= this.#follow();
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
    return follow(`/api/v1/videos/${encodeURIComponent(this.#id)}/events`, {
      event: ({ name, data }) => {
        if (name === "video") this.#learn(JSON.parse(data) as Video);
        if (name === "deleted") this.standing = withoutVideo(this.standing);
      },
      state: (state) => state === "ended" && this.stop(),
    });
  }
}
