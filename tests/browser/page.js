// Runs in the page, beside hls.js or Shaka, and gives both one face: `openPlayer` creates `player`,
// whose methods `player.js` calls from Node.

/**
 * Playback that waits with more than this in the buffer waits for a decoder short of CPU, which is
 * not the stream's fault.
 */
const AMPLE_SECONDS = 0.5;

/** A media element with everything that it or its player complained about. */
class Player {
  /** Errors and warnings of the player, fatal or not, gaps and stalls included. */
  problems = [];
  /** Positions in seconds at which playback ran out of data though nobody was seeking. */
  starvations = [];

  constructor() {
    this.video = document.body.appendChild(document.createElement("video"));
    this.video.width = 640;
    this.video.height = 360;
    this.video.addEventListener("error", () => {
      this.problems.push(`media error ${this.video.error.code}: ${this.video.error.message}`);
    });
    this.video.addEventListener("waiting", () => {
      const { currentTime, seeking } = this.video;
      const inBuffer = this.buffered().some(
        ([start, end]) => start <= currentTime && currentTime + AMPLE_SECONDS < end,
      );
      if (currentTime > 0 && !seeking && !inBuffer) {
        this.starvations.push(currentTime);
      }
    });
  }

  /** Waits for an event of the media element; what went wrong so far explains one that never came. */
  until(event, limitSeconds = 30) {
    return new Promise((resolve, reject) => {
      const tell = () => {
        const state = JSON.stringify(this.state());
        reject(new Error(`no "${event}" event within ${limitSeconds} s: ${state}`));
      };
      const timer = setTimeout(tell, limitSeconds * 1000);
      const done = () => {
        clearTimeout(timer);
        resolve();
      };
      this.video.addEventListener(event, done, { once: true });
    });
  }

  async playToEnd(rate, limitSeconds) {
    const ended = this.until("ended", limitSeconds);
    this.video.playbackRate = rate;
    await this.video.play();
    await ended;
    return this.state();
  }

  /** Seeks while paused; resolves once the frame at `time` is on screen. */
  async seek(time) {
    this.video.pause();
    const seeked = this.until("seeked");
    this.video.currentTime = time;
    await seeked;
    await painted();
    return this.state();
  }

  /** Lets what is buffered play out, then goes on in the rung of this height. */
  async switchTo(height, rate) {
    this.selectRung(height);
    this.video.playbackRate = rate;
    await this.video.play();
    while (this.video.videoHeight !== height) {
      await this.until("resize");
    }
    return this.state();
  }

  /** Ranges that could be played now, as `[start, end]` in seconds. */
  buffered() {
    const { buffered } = this.video;
    return Array.from({ length: buffered.length }, (_, range) => [
      buffered.start(range),
      buffered.end(range),
    ]);
  }

  state() {
    return {
      currentTime: this.video.currentTime,
      duration: this.video.duration,
      buffered: this.buffered(),
      height: this.video.videoHeight,
      framesDecoded: this.video.getVideoPlaybackQuality().totalVideoFrames,
      audioBytesDecoded: this.video.webkitAudioDecodedByteCount,
      problems: [...this.problems, ...this.playerProblems()],
      starvations: this.starvations,
    };
  }
}

class HlsPlayer extends Player {
  async open(url, { startHeight, config }) {
    this.hls = new Hls(config);
    this.hls.on(Hls.Events.ERROR, (_, { details, fatal, error, frag, buffer }) => {
      // Not an error: a seek or a switch of rungs drops the request it has no use for any more.
      const dropped = details === Hls.ErrorDetails.INTERNAL_ABORTED;
      // hls.js 1.7.4 says this of the first segment of any MPEG-TS audio rendition (of FFmpeg's own
      // packages too), although it is in the buffer.
      const miscounted =
        details === Hls.ErrorDetails.BUFFER_APPEND_NO_PROGRESS &&
        frag.type === "audio" &&
        frag.sn === 0;
      const decoderLate = details === Hls.ErrorDetails.BUFFER_STALLED_ERROR && buffer > AMPLE_SECONDS;
      if (!dropped && !miscounted && !decoderLate) {
        const at = `${fatal ? "fatally " : ""}at ${frag?.relurl ?? this.video.currentTime}`;
        this.problems.push(`${details} ${at}: ${error.message}`);
      }
    });
    this.hls.on(Hls.Events.MANIFEST_PARSED, () => {
      if (startHeight) {
        this.hls.startLevel = this.rungHeights().indexOf(startHeight);
      }
    });
    this.hls.loadSource(url);
    this.hls.attachMedia(this.video);
    await this.until("canplay");
  }

  rungHeights() {
    return this.hls.levels.map((level) => level.height);
  }

  selectRung(height) {
    this.hls.nextLevel = this.rungHeights().indexOf(height);
  }

  playerProblems() {
    return [];
  }
}

class ShakaPlayer extends Player {
  async open(url, { startHeight }) {
    shaka.polyfill.installAll();
    this.shaka = new shaka.Player();
    this.shaka.addEventListener("error", ({ detail }) => {
      this.problems.push(`shaka error ${detail.code}: ${detail.data}`);
    });
    // A seek while Shaka 5.2.12 switches rungs by itself may abort the request for the new rung's
    // init segment, which it then never asks for again; the tests switch by hand.
    this.shaka.configure({ abr: { enabled: false } });
    await this.shaka.attach(this.video);
    await this.shaka.load(url);
    if (startHeight) {
      this.selectRung(startHeight, /* clearBuffer= */ true);
    }
    while (this.video.readyState < HTMLMediaElement.HAVE_FUTURE_DATA) {
      await this.until("canplay");
    }
  }

  rungHeights() {
    return this.shaka.getVariantTracks().map((track) => track.height);
  }

  selectRung(height, clearBuffer = false) {
    const track = this.shaka.getVariantTracks().find((variant) => variant.height === height);
    this.shaka.selectVariantTrack(track, clearBuffer);
  }

  playerProblems() {
    const { gapsJumped, stallsDetected } = this.shaka.getStats();
    return [
      ...(gapsJumped ? [`jumped ${gapsJumped} gaps`] : []),
      ...(stallsDetected ? [`stalled ${stallsDetected} times`] : []),
    ];
  }
}

globalThis.openPlayer = async (engine, url, options) => {
  globalThis.player = engine === "shaka" ? new ShakaPlayer() : new HlsPlayer();
  await globalThis.player.open(url, options);
  return globalThis.player.state();
};

/**
 * What a screenshot shows: the second that the test source painted as four bits along the top,
 * lowest first, and how many colours there are below.
 */
globalThis.readScreenshot = async (base64) => {
  const response = await fetch(`data:image/png;base64,${base64}`);
  const image = await createImageBitmap(await response.blob());
  const context = new OffscreenCanvas(image.width, image.height).getContext("2d");
  context.drawImage(image, 0, 0);

  let second = 0;
  for (let bit = 0; bit < 4; bit++) {
    const column = Math.round((image.width * (2 * bit + 1)) / 8);
    const row = Math.round(image.height / 8);
    const [red, green, blue] = context.getImageData(column, row, 1, 1).data;
    second |= red + green + blue > 384 ? 1 << bit : 0;
  }
  const { data } = context.getImageData(0, 0, image.width, image.height);
  return { second, colours: new Set(new Uint32Array(data.buffer)).size };
};

/** Two animation frames: by the second, what was decoded before the first has been composited. */
function painted() {
  return new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
}
