import { SvelteMap, SvelteSet } from "svelte/reactivity";
import type { Video } from "../api/client";
import { newer, outcomeOf } from "./catalog";

/** The videos as this page knows them. It outlives the page, so that coming back to it shows them at once. */
export class Catalog {
  /** All of them have been listed at least once. */
  isListed = $state(false);
  /** Why the last listing failed. */
  error = $state.raw<unknown>();

  /** The last thing that came to an end, in words: said by screen readers. */
  announcement = $state("");

  #videos = new SvelteMap<string, Video>();
  /** Removed, or about to be: late news must not bring them back. */
  #gone = new SvelteSet<string>();

  /** Those to be shown, in no order. */
  get videos(): Video[] {
    return [...this.#videos.values()].filter((video) => !this.#gone.has(video.id));
  }

  get(id: string): Video | undefined {
    return this.#videos.get(id);
  }

  /** Takes news of videos, in any order and as often as it comes. */
  learn(...news: Video[]): void {
    for (const told of news) {
      const known = this.#videos.get(told.id);
      const video = newer(known, told);
      this.announcement = outcomeOf(known, video) ?? this.announcement;
      this.#videos.set(video.id, video);
    }
  }

  /** Takes what a list from first to last page told; what it did not tell of is gone, but for what `heardOf` meanwhile. */
  learnAll(listed: Video[], heardOf: ReadonlySet<string>): void {
    this.learn(...listed);
    const here = new Set(listed.map((video) => video.id));
    for (const id of this.#videos.keys()) if (!here.has(id) && !heardOf.has(id)) this.#videos.delete(id);
    this.isListed = true;
  }

  /** Hides a video that is about to be deleted, or was. */
  hide(id: string): void {
    this.#gone.add(id);
  }

  /** Shows it again: it was not deleted after all. */
  unhide(id: string): void {
    this.#gone.delete(id);
  }

  /** Forgets a video that was deleted. */
  forget(id: string): void {
    this.#gone.add(id);
    this.#videos.delete(id);
  }
}

/** The one of this page. */
export const catalog = new Catalog();
