import { MediaUIEvents } from "media-chrome/dist/constants.js";
import createMediaStore, {
  type MediaState,
  type MediaStore,
} from "media-chrome/dist/media-store/media-store.js";
import { keepBandwidth, recallBandwidth } from "./bandwidth";
import { type Engine, type EngineListener, startEngine } from "./engine";
import { keepPlace, recallPlace } from "./place-keeper";
import type { PlayableRung } from "./quality";
import type { Trouble } from "./recovery";
import { isPending, isPlayable, timelineOf, within } from "./timeline";

/** How long it is told, once it plays, that it went on from the last time, in milliseconds. */
const RESUMED_MS = 8000;

/** What to play and how to begin. */
export interface PlaybackOptions {
  /** Id of the video, by which its place is remembered. */
  id: string;
  /** Address of the multivariant playlist. */
  url: string;
  /** Length in seconds as the video's record says; read in reactive places. */
  announced(): number | null | undefined;
  /** Whether all of it is there already. */
  isWhole: boolean;
  /** Seconds to start at, where somebody said so. */
  startAt: number | undefined;
  /** Whether to play at once: `insist` does without sound where the browser wants a gesture for it. */
  begin: "paused" | "try" | "insist";
  /** Whether to fetch the video before somebody plays it. */
  isEager: boolean;
}

/**
 * One video in one element. Requests go in by its methods; state comes out when the element has confirmed it, by the store of
 * [media-chrome](https://www.media-chrome.org/docs/en/media-store), to which this adds the rungs and the part that is not there yet.
 */
export class Playback {
  readonly video: HTMLVideoElement;
  /** The element's state. */
  media = $state.raw<Partial<MediaState>>({});
  rungs = $state.raw<readonly PlayableRung[]>([]);
  /** The rung chosen by hand. */
  chosen = $state<number>();
  /** The rung on the screen. */
  shown = $state<number>();
  trouble = $state<Trouble>();
  /** A time that was asked for and is not processed yet: playback goes there when it is. */
  awaited = $state<number>();
  /** Where it went on from the last time, until somebody seeks or it has played for a while. */
  resumedAt = $state<number>();
  /** Whether it has played since it was opened. */
  hasPlayed = $state(false);
  /** Whether the sound is off only because the browser wants a gesture first. */
  isSilenced = $state(false);
  #reach = $state.raw({ edge: 0, complete: false });
  #playsOnArrival = $state(false);

  readonly timeline = $derived.by(() =>
    timelineOf(this.#options.announced(), this.#reach.edge, this.#reach.complete),
  );
  /** Where it is, or is going to be. */
  readonly time = $derived(this.awaited ?? this.media.mediaCurrentTime ?? 0);
  readonly paused = $derived(
    this.awaited === undefined ? (this.media.mediaPaused ?? true) : !this.#playsOnArrival,
  );
  /** Whether it has caught up with the processing. */
  readonly isAtEdge = $derived(this.awaited !== undefined || isPending(this.timeline, this.time));
  /** Whether it would play, had it something to play. */
  readonly isStalled = $derived(!this.paused && (this.awaited !== undefined || !!this.media.mediaLoading));

  readonly #options: PlaybackOptions;
  readonly #store: MediaStore;
  readonly #stopListening = new AbortController();
  #unsubscribe: () => void;
  #engine: Engine | undefined;
  /** Where to go once it is known how far it reaches; what is not `isAsked` for only if it reaches so far. */
  #pending: { time: number; isAsked: boolean } | undefined;
  #isLoading: boolean;
  readonly #keepPlace: () => void;
  #resumedTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(video: HTMLVideoElement, container: HTMLElement, options: PlaybackOptions) {
    this.video = video;
    this.#options = options;
    this.#isLoading = options.isEager;
    this.#store = createMediaStore({
      media: video,
      fullscreenElement: container,
      documentElement: document,
      // A playlist that grows is no live broadcast.
      options: { noAutoSeekToLive: true, noSubtitlesLangPref: true },
    });
    this.#unsubscribe = this.#store.subscribe((state) => (this.media = state));
    const { signal } = this.#stopListening;
    video.addEventListener("play", () => this.#load(), { signal });
    addEventListener("pagehide", () => this.#keepBandwidth(), { signal });
    video.addEventListener("playing", () => this.#plays(), { signal });
    this.#keepPlace = keepPlace(video, options.id, () => this.timeline.duration, signal);
    void this.#start();
  }

  destroy(): void {
    this.#keepPlace();
    this.#keepBandwidth();
    clearTimeout(this.#resumedTimer);
    this.#stopListening.abort();
    this.#unsubscribe();
    this.#engine?.destroy();
  }

  play(): void {
    this.#load();
    if (this.awaited === undefined) this.#request(MediaUIEvents.MEDIA_PLAY_REQUEST);
    else this.#playsOnArrival = true;
  }

  pause(): void {
    if (this.awaited === undefined) this.#request(MediaUIEvents.MEDIA_PAUSE_REQUEST);
    else this.#playsOnArrival = false;
  }

  togglePlay(): void {
    // The element knows at once that it was asked to play, its state only when that is confirmed: a second key may come in between.
    const isPaused = this.awaited === undefined ? this.video.paused : this.paused;
    if (isPaused) this.play();
    else this.pause();
  }

  /** Goes to `time`, at once or as soon as it is processed. Tells which it is: no video goes on beyond its ends. */
  seek(time: number): number {
    const target = within(this.timeline, time);
    this.resumedAt = undefined;
    if (this.timeline.edge === 0) this.#goLater(target);
    else if (isPlayable(this.timeline, target)) this.#go(target);
    else this.#await(target);
    return target;
  }

  /** Goes so many seconds on, or back. */
  skip(secs: number): number {
    // The element knows of a seek at once, its state only when it is confirmed: keys may come in between.
    return this.seek((this.awaited ?? this.video.currentTime) + secs);
  }

  /** Goes on where it was before somebody asked for what is not there yet. */
  stopWaiting(): void {
    const plays = this.#playsOnArrival;
    this.awaited = undefined;
    if (plays) this.play();
  }

  /** `undefined` lets the engine choose. */
  chooseRung(rung: number | undefined): void {
    this.chosen = rung;
    this.#engine?.choose(rung);
  }

  setVolume(volume: number): void {
    this.isSilenced = false;
    this.#request(MediaUIEvents.MEDIA_VOLUME_REQUEST, Math.min(Math.max(volume, 0), 1));
  }

  /** Whether there is no sound, as the element knows it: at once, like {@link togglePlay}. */
  isOff(): boolean {
    return this.video.muted || this.video.volume === 0;
  }

  toggleMute(): void {
    this.isSilenced = false;
    const { MEDIA_MUTE_REQUEST, MEDIA_UNMUTE_REQUEST } = MediaUIEvents;
    this.#request(this.isOff() ? MEDIA_UNMUTE_REQUEST : MEDIA_MUTE_REQUEST);
  }

  setSpeed(speed: number): void {
    this.#request(MediaUIEvents.MEDIA_PLAYBACK_RATE_REQUEST, speed);
  }

  toggleFullscreen(): void {
    const { MEDIA_ENTER_FULLSCREEN_REQUEST, MEDIA_EXIT_FULLSCREEN_REQUEST } = MediaUIEvents;
    const { mediaIsFullscreen } = this.media;
    this.#request(mediaIsFullscreen ? MEDIA_EXIT_FULLSCREEN_REQUEST : MEDIA_ENTER_FULLSCREEN_REQUEST);
  }

  togglePictureInPicture(): void {
    const { MEDIA_ENTER_PIP_REQUEST, MEDIA_EXIT_PIP_REQUEST } = MediaUIEvents;
    this.#request(this.media.mediaIsPip ? MEDIA_EXIT_PIP_REQUEST : MEDIA_ENTER_PIP_REQUEST);
  }

  /** Shows this one of `media.mediaSubtitlesList`, or none. */
  chooseCaptions(track: number | undefined): void {
    this.#request(MediaUIEvents.MEDIA_DISABLE_SUBTITLES_REQUEST, this.media.mediaSubtitlesList);
    const chosen = track === undefined ? undefined : this.media.mediaSubtitlesList?.[track];
    if (chosen) this.#request(MediaUIEvents.MEDIA_SHOW_SUBTITLES_REQUEST, [chosen]);
  }

  toggleCaptions(): void {
    this.#request(MediaUIEvents.MEDIA_TOGGLE_SUBTITLES_REQUEST);
  }

  /** Tries again what failed. */
  retry(): void {
    this.trouble = undefined;
    this.#engine?.retry();
  }

  /** Expected bits a second of the network. */
  bandwidth(): number | undefined {
    return this.#engine?.bandwidth();
  }

  async #start(): Promise<void> {
    const { id, url, isWhole, startAt, announced, begin } = this.#options;
    const wanted = startAt ?? recallPlace(id) ?? 0;
    const start = wanted < (announced() ?? Infinity) ? wanted : 0;
    // Of what still grows nobody knows how far it reaches until its playlist is there.
    if (!isWhole && start > 0) this.#pending = { time: start, isAsked: startAt !== undefined };
    else if (startAt === undefined && start > 0) this.resumedAt = start;
    const bandwidth = recallBandwidth();
    const source = { url, startAt: isWhole ? start : 0, isEager: this.#options.isEager, bandwidth };
    const engine = await startEngine(this.video, source, this.#listener);
    if (this.#stopListening.signal.aborted) return engine?.destroy();
    this.#engine = engine;
    if (this.#isLoading) engine?.load();
    if (!engine) this.trouble = "unsupported";
    else if (begin !== "paused") await this.#begin(begin === "insist");
  }

  #plays(): void {
    this.hasPlayed = true;
    if (this.resumedAt === undefined) return;
    this.#resumedTimer ??= setTimeout(() => (this.resumedAt = undefined), RESUMED_MS);
  }

  #load(): void {
    this.#isLoading = true;
    this.#engine?.load();
  }

  readonly #listener: EngineListener = {
    rungs: (rungs) => (this.rungs = rungs),
    shows: (rung) => (this.shown = rung),
    trouble: (trouble) => (this.trouble = trouble),
    reaches: (edge, complete) => {
      this.#reach = { edge, complete };
      const { awaited } = this;
      if (awaited !== undefined && isPlayable(this.timeline, awaited)) this.seek(awaited);
      this.#goToStart();
    },
  };

  /** Of what still grows: goes where it was the last time if that is there, or where it was told to in any case. */
  #goToStart(): void {
    const pending = this.#pending;
    this.#pending = undefined;
    if (!pending || (!pending.isAsked && !isPlayable(this.timeline, pending.time))) return;
    this.seek(pending.time);
    if (!pending.isAsked) this.resumedAt = pending.time;
  }

  async #begin(insist: boolean): Promise<void> {
    try {
      await this.video.play();
    } catch (error) {
      const wantsGesture = error instanceof DOMException && error.name === "NotAllowedError";
      if (!wantsGesture || !insist || this.video.muted) return;
      this.video.muted = true;
      this.isSilenced = true;
      await this.video.play().catch(() => undefined);
    }
  }

  /** Goes there when it is known how far the video reaches. */
  #goLater(target: number): void {
    this.#pending = { time: target, isAsked: true };
    this.#load();
  }

  #go(target: number): void {
    const plays = this.awaited !== undefined && this.#playsOnArrival;
    this.awaited = undefined;
    this.#request(MediaUIEvents.MEDIA_SEEK_REQUEST, target);
    if (plays) this.play();
  }

  #await(target: number): void {
    if (this.awaited === undefined) {
      this.#playsOnArrival = !this.paused;
      this.video.pause();
    }
    this.awaited = target;
  }

  #keepBandwidth(): void {
    const bandwidth = this.bandwidth();
    if (bandwidth) keepBandwidth(bandwidth);
  }

  #request(type: string, detail?: unknown): void {
    this.#store.dispatch({ type, detail } as Parameters<MediaStore["dispatch"]>[0]);
  }
}
