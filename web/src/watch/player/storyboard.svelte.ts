import { parseStoryboard, type Tile, tileAt } from "./storyboard";

/** When stills that did not come are asked for again, in milliseconds: the mouse wants them with every move. */
const ASK_AGAIN_MS = 3000;

/** The stills of a video, fetched when somebody wants to see one, and again as more are made. */
export class Storyboard {
  #tiles = $state.raw<readonly Tile[]>([]);
  readonly #url: string;
  /** How far the video reached when they were last asked for. */
  #askedAt = -1;
  /** From when on to ask again, though it reaches no further. */
  #againAt = Infinity;

  /** The stills beside the playlist at `playlistUrl`. */
  constructor(playlistUrl: string) {
    this.#url = new URL("storyboard/storyboard.vtt", playlistUrl).href;
  }

  /** Makes sure that they are there up to `edge`, where they are ever going to be. */
  want(edge: number): void {
    if (edge <= this.#askedAt && performance.now() < this.#againAt) return;
    this.#askedAt = edge;
    this.#againAt = Infinity;
    void this.#fetch();
  }

  /** The still at `time`, if it is there. */
  tileAt(time: number): Tile | undefined {
    return tileAt(this.#tiles, time);
  }

  async #fetch(): Promise<void> {
    // A preview is a convenience: without it the times are still shown.
    const response = await fetch(this.#url).catch(() => undefined);
    if (response?.ok) this.#tiles = parseStoryboard(await response.text(), this.#url);
    else this.#againAt = performance.now() + ASK_AGAIN_MS;
  }
}
