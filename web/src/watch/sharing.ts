/** How a player starts, as the parameters of its address say. */
export interface StartOptions {
  autoplay: boolean;
  muted: boolean;
  loop: boolean;
  /** Seconds to start at, where the address names a time. */
  startAt: number | undefined;
}

/** What `?autoplay&muted&t=1m20s&loop` asks for. A parameter that is `0` or `false` is as good as none. */
export function startOptionsOf(query: URLSearchParams): StartOptions {
  const isOn = (name: string) => query.has(name) && !["0", "false"].includes(query.get(name) ?? "");
  return {
    autoplay: isOn("autoplay"),
    muted: isOn("muted"),
    loop: isOn("loop"),
    startAt: startTimeOf(query.get("t") ?? ""),
  };
}

/** Seconds of `80`, `80s`, `1m20s`, `1h2m`, `1:20` or `1:02:05`; `undefined` for anything else. */
export function startTimeOf(text: string): number | undefined {
  if (/^\d+(:[0-5]?\d){1,2}$/.test(text)) {
    return text.split(":").reduce((secs, part) => secs * 60 + Number(part), 0);
  }
  const named = /^(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s?)?$/.exec(text);
  if (!named || text === "") return undefined;
  const [hours, minutes, secs] = named.slice(1).map((part) => Number(part ?? 0)) as [number, number, number];
  return hours * 3600 + minutes * 60 + secs;
}

/** HTML that shows the player at `src` in another page, as wide as there is room. */
export function embedCode(
  src: string,
  video: { title: string; width?: number | null; height?: number | null },
): string {
  const ratio = video.width && video.height ? `${video.width} / ${video.height}` : "16 / 9";
  return `<iframe src="${escaped(src)}" title="${escaped(video.title)}" style="border: 0; width: 100%; aspect-ratio: ${ratio}" allow="autoplay; fullscreen; picture-in-picture" loading="lazy"></iframe>`;
}

/** Text as it stands in an attribute: titles are written by users, and this is pasted into pages. */
function escaped(text: string): string {
  return text.replace(/[&"<>]/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
