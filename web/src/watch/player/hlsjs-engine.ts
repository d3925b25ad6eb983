import Hls, {
  ErrorDetails,
  type ErrorData,
  ErrorTypes,
  Events,
  type Fragment,
  type HlsConfig,
  type LevelDetails,
  type LoadPolicy,
  PlaylistLevelType,
} from "hls.js";
import { admitCaptions } from "./caption-tracks";
import type { Engine, EngineListener, Source } from "./engine";
import { startRung } from "./quality";
import { type Failure, NO_TRIES, stepAfter, type Trouble, withStep } from "./recovery";

/** hls.js asks again by itself for about ten seconds; what comes then is for {@link stepAfter}. */
const PATIENCE: LoadPolicy = {
  default: {
    maxTimeToFirstByteMs: 8000,
    maxLoadTimeMs: 60_000,
    timeoutRetry: { maxNumRetry: 3, retryDelayMs: 0, maxRetryDelayMs: 0 },
    errorRetry: { maxNumRetry: 4, retryDelayMs: 500, maxRetryDelayMs: 4000 },
  },
};

const CONFIG: Partial<HlsConfig> = {
  // With which rung it begins is decided when it is known which there are.
  autoStartLoad: false,
  // Fragmented MP4 goes to the decoder as it is: a worker would only start later.
  enableWorker: false,
  // No larger pictures than there are pixels for them.
  capLevelToPlayerSize: true,
  // A minute ahead and a minute back, however small the segments are: not everybody watches to the end.
  maxMaxBufferLength: 60,
  backBufferLength: 60,
  // The playlists that grow are no live broadcast: nobody is to be brought to their end.
  lowLatencyMode: false,
  liveSyncOnStallIncrease: 0,
  liveSyncDuration: 0.5,
  manifestLoadPolicy: PATIENCE,
  playlistLoadPolicy: PATIENCE,
  fragLoadPolicy: PATIENCE,
};

/** Plays by hls.js, which needs Media Source Extensions; `undefined` where they cannot play H.264. */
export function startHlsJs(
  video: HTMLVideoElement,
  source: Source,
  listener: EngineListener,
): Engine | undefined {
  return Hls.isSupported() ? new HlsJsEngine(video, source, listener) : undefined;
}

class HlsJsEngine implements Engine {
  readonly #hls: Hls;
  readonly #video: HTMLVideoElement;
  readonly #source: Source;
  readonly #listener: EngineListener;
  #isLoading: boolean;
  #hasMeasured = false;
  /** The rung that was chosen by hand and is not on the screen yet. */
  #awaited: number | undefined;
  #tries = NO_TRIES;
  #trouble: Trouble | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #stopAdmitting: () => void;

  constructor(video: HTMLVideoElement, source: Source, listener: EngineListener) {
    this.#video = video;
    this.#source = source;
    this.#listener = listener;
    this.#isLoading = source.isEager;
    const estimate = source.bandwidth === undefined ? {} : { abrEwmaDefaultEstimate: source.bandwidth };
    this.#hls = new Hls({ ...CONFIG, ...estimate, startPosition: source.startAt });
    this.#hls.on(Events.MANIFEST_PARSED, () => this.#begin());
    this.#hls.on(Events.LEVEL_SWITCHED, (_, { level }) => listener.shows(level));
    this.#hls.on(Events.LEVEL_UPDATED, (_, { details }) => this.#tellReach(details));
    this.#hls.on(Events.FRAG_BUFFERED, (_, { frag }) => this.#wentWell(frag));
    this.#hls.on(Events.ERROR, (_, error) => this.#failed(error));
    this.#stopAdmitting = admitCaptions(video);
    this.#hls.loadSource(source.url);
    this.#hls.attachMedia(video);
    addEventListener("online", this.retry);
  }

  load(): void {
    if (this.#isLoading) return;
    this.#isLoading = true;
    if (this.#hls.levels.length > 0) this.#hls.startLoad(this.#source.startAt);
  }

  choose(rung: number | undefined): void {
    this.#awaited = undefined;
    if (rung === undefined) this.#hls.loadLevel = -1;
    else if (rung === this.#hls.currentLevel) this.#hls.nextLevel = rung;
    else {
      this.#awaited = rung;
      this.#hls.currentLevel = rung;
    }
  }

  retry = (): void => {
    clearTimeout(this.#timer);
    const place = this.#place();
    if (this.#trouble === "broken") this.#hls.recoverMediaError();
    if (this.#hls.levels.length === 0) this.#hls.loadSource(this.#source.url);
    // Whatever was fatal has stopped it.
    else if (this.#isLoading) this.#hls.startLoad(place);
  };

  bandwidth(): number | undefined {
    // What has not been measured is a guess of ours, and none to be kept.
    return this.#hasMeasured ? this.#hls.bandwidthEstimate : undefined;
  }

  destroy(): void {
    clearTimeout(this.#timer);
    removeEventListener("online", this.retry);
    this.#hls.destroy();
    this.#stopAdmitting();
  }

  #begin(): void {
    const rungs = this.#hls.levels.map(({ width, height, frameRate, maxBitrate, attrs }) => {
      return { width, height, frameRate, bandwidth: maxBitrate, codecs: attrs.CODECS ?? "" };
    });
    this.#listener.rungs(rungs);
    this.#hls.startLevel = startRung(rungs, this.#source.bandwidth);
    if (this.#isLoading) this.#hls.startLoad(this.#source.startAt);
  }

  /**
   * Where to load on; a reset forgets it. hls.js is to be told: as long as nothing is there it would begin at 0, or at the end of what still
   * grows.
   */
  #place(): number {
    return this.#hls.hasEnoughToStart ? this.#video.currentTime : this.#hls.startPosition;
  }

  #tellReach(details: LevelDetails): void {
    this.#listener.reaches(details.edge, !details.live);
  }

  #wentWell(frag: Fragment): void {
    if (frag.type === PlaylistLevelType.MAIN && frag.level === this.#awaited) this.#showNow(frag);
    this.#hasMeasured = true;
    this.#tries = { ...this.#tries, waits: 0 };
    this.#tell(undefined);
  }

  /**
   * Shows the rung that was chosen by hand as soon as its segment is in the buffer. Left alone, browsers go on with what they had begun to
   * decode until the next key frame, which may be seconds away; a seek to where they are makes them begin anew.
   */
  #showNow({ start, end }: Fragment): void {
    const { currentTime } = this.#video;
    if (currentTime < start || currentTime > end) return;
    this.#awaited = undefined;
    this.#video.currentTime = currentTime;
  }

  #failed(error: ErrorData): void {
    if (!error.fatal) {
      // It is being asked for again; what is in the buffer may last until then.
      if (error.type === ErrorTypes.NETWORK_ERROR && error.response?.code !== 404) this.#tell("connection");
      return;
    }
    const failure = failureOf(error);
    const now = performance.now();
    const step = stepAfter(failure, this.#tries, now);
    this.#tries = withStep(this.#tries, step, now);
    if (step.do === "reset-media") {
      const place = this.#place();
      this.#hls.recoverMediaError();
      this.#hls.startLoad(place);
    }
    if (step.do === "stop") this.#tell(step.trouble);
    if (step.do === "wait") {
      this.#tell("connection");
      this.#timer = setTimeout(this.retry, step.milliseconds);
    }
  }

  #tell(trouble: Trouble | undefined): void {
    this.#trouble = trouble;
    this.#listener.trouble(trouble);
  }
}

function failureOf(error: ErrorData): Failure {
  const status = error.response?.code;
  const isIncompatible = error.details === ErrorDetails.MANIFEST_INCOMPATIBLE_CODECS_ERROR;
  if (error.type === ErrorTypes.NETWORK_ERROR) return { kind: "network", status };
  return { kind: error.type === ErrorTypes.MEDIA_ERROR && !isIncompatible ? "media" : "other" };
}
