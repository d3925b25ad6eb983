import type { Engine, EngineListener, Source } from "./engine";
import { NO_TRIES, stepAfter, withStep } from "./recovery";

const HLS_TYPE = "application/vnd.apple.mpegurl";

/**
 * Lets the browser play HLS by itself, for what has no Media Source Extensions of either name, as iPhones before iOS 17.1; `undefined`
 * where it cannot.
 */
export function startNative(
  video: HTMLVideoElement,
  source: Source,
  listener: EngineListener,
): Engine | undefined {
  return video.canPlayType(HLS_TYPE) ? new NativeEngine(video, source, listener) : undefined;
}

class NativeEngine implements Engine {
  readonly #video: HTMLVideoElement;
  readonly #source: Source;
  readonly #stopListening = new AbortController();
  #startAt: number;
  #tries = NO_TRIES;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(video: HTMLVideoElement, source: Source, listener: EngineListener) {
    this.#video = video;
    this.#source = source;
    this.#startAt = source.startAt;
    const { signal } = this.#stopListening;
    const tellReach = () => listener.reaches(seekableEnd(video), Number.isFinite(video.duration));
    video.addEventListener("loadedmetadata", () => this.#goToStart(), { signal });
    for (const event of ["loadedmetadata", "durationchange", "progress"]) {
      video.addEventListener(event, tellReach, { signal });
    }
    video.addEventListener("error", () => this.#failed(listener), { signal });
    video.addEventListener("playing", () => listener.trouble(undefined), { signal });
    addEventListener("online", () => video.error && this.retry(), { signal });
    video.preload = source.isEager ? "auto" : "none";
    video.src = source.url;
  }

  load(): void {
    this.#video.preload = "auto";
  }

  choose(): void {
    // The browser does.
  }

  retry(): void {
    clearTimeout(this.#timer);
    const wasPlaying = !this.#video.paused;
    this.#startAt = this.#video.currentTime || this.#startAt;
    this.#video.src = this.#source.url;
    if (wasPlaying) void this.#video.play().catch(() => undefined);
  }

  bandwidth(): undefined {
    return undefined;
  }

  destroy(): void {
    clearTimeout(this.#timer);
    this.#stopListening.abort();
    this.#video.removeAttribute("src");
    this.#video.load();
  }

  /** Safari begins a playlist that still grows at its end. */
  #goToStart(): void {
    if (Math.abs(this.#video.currentTime - this.#startAt) > 0.1) this.#video.currentTime = this.#startAt;
  }

  #failed(listener: EngineListener): void {
    const now = performance.now();
    const step = stepAfter({ kind: isOfNetwork(this.#video) ? "network" : "media" }, this.#tries, now);
    this.#tries = withStep(this.#tries, step, now);
    if (step.do === "reset-media") this.retry();
    if (step.do === "stop") listener.trouble(step.trouble);
    if (step.do === "wait") {
      listener.trouble("connection");
      this.#timer = setTimeout(() => this.retry(), step.milliseconds);
    }
  }
}

/** A playlist that does not come is none that browsers support: they tell it like that as long as they know nothing of it. */
function isOfNetwork({ error, readyState }: HTMLVideoElement): boolean {
  const isUnknown = readyState === HTMLMediaElement.HAVE_NOTHING;
  const { MEDIA_ERR_NETWORK, MEDIA_ERR_SRC_NOT_SUPPORTED } = MediaError;
  return error?.code === MEDIA_ERR_NETWORK || (isUnknown && error?.code === MEDIA_ERR_SRC_NOT_SUPPORTED);
}

function seekableEnd({ seekable }: HTMLVideoElement): number {
  return seekable.length > 0 ? seekable.end(seekable.length - 1) : 0;
}
