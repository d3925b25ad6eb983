import { createSubscriber } from "svelte/reactivity";

/** A page of the app, as its address names it. */
export type Route =
  { page: "library" } | { page: "watch"; id: string } | { page: "embed"; id: string } | { page: "lost" };

/** The page at a path. */
export function routeOf(path: string): Route {
  const [first = "", id = "", ...rest] = path.split("/").slice(1);
  if (first === "" && id === "") return { page: "library" };
  // What is no id is asked for all the same: the service knows best, and says that there is no such video.
  if ((first === "watch" || first === "embed") && id !== "" && rest.join("") === "")
    return { page: first, id };
  return { page: "lost" };
}

/** Where one watches a video. */
export const watchPath = (id: string): string => `/watch/${id}`;

/** Where a player alone is, for the pages of others. */
export const embedPath = (id: string): string => `/embed/${id}`;

let notify = (): void => {};

const subscribe = createSubscriber((update) => {
  notify = update;
  addEventListener("popstate", update);
  return () => removeEventListener("popstate", update);
});

/** The address, to be read in a reactive place. */
export const address = {
  /** The page shown. */
  get route(): Route {
    subscribe();
    return routeOf(location.pathname);
  },
  /** Its parameters. */
  get query(): URLSearchParams {
    subscribe();
    return new URLSearchParams(location.search);
  },
};

/** Goes to another page of the app. */
export function goTo(url: string): void {
  keepScroll();
  history.pushState(null, "", url);
  scrollTo(0, 0);
  notify();
}

// The browser would scroll before the list is there again, so a page is asked to do it when it is ready.
history.scrollRestoration = "manual";
addEventListener("pagehide", keepScroll);

/** Scrolls to where one was when one left this entry of the history. Called by a page once it has its content. */
export function restoreScroll(): void {
  const { scroll } = (history.state ?? {}) as { scroll?: number };
  if (scroll) scrollTo(0, scroll);
}

function keepScroll(): void {
  history.replaceState({ ...history.state, scroll: scrollY }, "");
}

/** Writes the state of the page into its address, without a new entry in the history. */
export function rewriteQuery(query: URLSearchParams): void {
  const text = query.toString();
  history.replaceState(history.state, "", text ? `?${text}` : location.pathname);
  notify();
}

/** Follows links within the app without loading it again. Put on `window` as a listener of clicks. */
export function followLink(event: MouseEvent): void {
  const isPlain = event.button === 0 && !(event.metaKey || event.ctrlKey || event.shiftKey || event.altKey);
  const link = event.target instanceof Element ? event.target.closest("a") : null;
  if (event.defaultPrevented || !isPlain || !link || link.target || link.hasAttribute("download")) return;
  const { origin, pathname, href, hash } = new URL(link.href);
  // What has an extension, or is the service's own (`/api/docs`), is no page of the app.
  const isPage = origin === location.origin && !/^\/(api|v)\/|\.\w+$/.test(pathname);
  if (!isPage || hash) return;
  event.preventDefault();
  goTo(href);
}
