// Shows finished media playlists as they were while the encoder was still at work.

/**
 * Rewrites finished media playlists to growing EVENT playlists, all by one clock, which starts with
 * the first playlist asked for. Once everything is there, they are served as they are.
 */
export class GrowingStream {
  #startSeconds;
  #secondsPerSecond;
  #startedAt;

  /**
   * @param {number} startSeconds how much of the stream is there at first
   * @param {number} secondsPerSecond how much more is there after each second
   */
  constructor(startSeconds, secondsPerSecond) {
    this.#startSeconds = startSeconds;
    this.#secondsPerSecond = secondsPerSecond;
  }

  /** How many playlists were served before their end was known. */
  growingPlaylistsServed = 0;

  rewrite(playlist) {
    if (!playlist.includes("#EXTINF:")) {
      return playlist;
    }
    this.#startedAt ??= Date.now();
    const elapsedSeconds = (Date.now() - this.#startedAt) / 1000;
    const available = this.#startSeconds + elapsedSeconds * this.#secondsPerSecond;
    const event = cutToEvent(playlist, available);
    this.growingPlaylistsServed += event === playlist ? 0 : 1;
    return event;
  }
}

/** The playlist up to the last segment that ends within `available` seconds. */
function cutToEvent(playlist, available) {
  const [header, ...segments] = playlist.split(/^(?=#EXTINF:)/m);
  let end = 0;
  const there = segments.filter((segment) => {
    end += Number(/^#EXTINF:([\d.]+)/.exec(segment)[1]);
    return end <= available;
  });
  if (there.length === segments.length) {
    return playlist;
  }
  const eventHeader = header.replace(/^#EXT-X-PLAYLIST-TYPE:VOD\n/m, "");
  return eventHeader.replace(/^#EXTM3U\n/, "$&#EXT-X-PLAYLIST-TYPE:EVENT\n") + there.join("");
}
