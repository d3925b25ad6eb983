import type { Video } from "../api/client";
import { isInProgress } from "./catalog";

/** Which videos are shown. */
export const SHOWN = ["all", "progress", "ready", "failed"] as const;
export type Shown = (typeof SHOWN)[number];

/** In what order. */
export const ORDERS = ["newest", "oldest", "title", "longest", "largest"] as const;
export type Order = (typeof ORDERS)[number];

/** What a person has chosen to see. It is kept in the address, so that it survives a reload and can be shared. */
export interface View {
  shown: Shown;
  order: Order;
  search: string;
}

/** What is seen without a choice. */
export const DEFAULT_VIEW: View = { shown: "all", order: "newest", search: "" };

/** The view that an address names; what makes no sense is as if it was not there. */
export function viewOf(query: URLSearchParams): View {
  return {
    shown: SHOWN.find((shown) => shown === query.get("show")) ?? DEFAULT_VIEW.shown,
    order: ORDERS.find((order) => order === query.get("sort")) ?? DEFAULT_VIEW.order,
    search: query.get("q") ?? DEFAULT_VIEW.search,
  };
}

/** The reverse: only what was chosen. */
export function queryOf(view: View): URLSearchParams {
  const query = new URLSearchParams();
  if (view.shown !== DEFAULT_VIEW.shown) query.set("show", view.shown);
  if (view.order !== DEFAULT_VIEW.order) query.set("sort", view.order);
  if (view.search.trim()) query.set("q", view.search.trim());
  return query;
}

/** The videos of a view, in its order. */
export function arrange(videos: Iterable<Video>, view: View): Video[] {
  const words = fold(view.search).split(/\s+/).filter(Boolean);
  const found = [...videos].filter(
    (video) => isShown(video, view.shown) && words.every((word) => matches(video, word)),
  );
  return found.sort((one, other) => COMPARE[view.order](one, other) || COMPARE.newest(one, other));
}

/** How many videos each choice would show. */
export function count(videos: Iterable<Video>): Record<Shown, number> {
  const counts = { all: 0, progress: 0, ready: 0, failed: 0 };
  for (const video of videos) {
    for (const shown of SHOWN) if (isShown(video, shown)) counts[shown] += 1;
  }
  return counts;
}

function isShown(video: Video, shown: Shown): boolean {
  if (shown === "all") return true;
  return shown === "progress" ? isInProgress(video) : video.status === shown;
}

/** A word is looked for in the title, as it is typed on any keyboard; an id or the link of a video finds it too. */
function matches(video: Video, word: string): boolean {
  return fold(video.title).includes(word) || word.includes(video.id.toLowerCase());
}

/** Without case and accents. */
function fold(text: string): string {
  return text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
}

const titles = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });

/** Times are texts of one form (RFC 3339 in UTC), but their fractions of a second may have fewer digits. */
const time = (video: Video): number => Date.parse(video.created_at);

const COMPARE: Record<Order, (one: Video, other: Video) => number> = {
  newest: (one, other) => time(other) - time(one) || (one.id < other.id ? -1 : 1),
  oldest: (one, other) => time(one) - time(other),
  title: (one, other) => titles.compare(one.title, other.title),
  longest: (one, other) => (other.duration_secs ?? -1) - (one.duration_secs ?? -1),
  largest: (one, other) => other.size_bytes - one.size_bytes,
};
