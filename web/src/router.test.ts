// @vitest-environment jsdom
import { beforeEach, describe, expect, it } from "vitest";
import { address, followLink, goTo, routeOf } from "./router";

describe("a path", () => {
  it.each([
    ["/", { page: "library" }],
    ["/watch/2M66FCTM3C4YRV3KBF6K265PTH", { page: "watch", id: "2M66FCTM3C4YRV3KBF6K265PTH" }],
    ["/embed/2M66FCTM3C4YRV3KBF6K265PTH/", { page: "embed", id: "2M66FCTM3C4YRV3KBF6K265PTH" }],
    ["/watch", { page: "lost" }],
    ["/watch/one/two", { page: "lost" }],
    ["/settings", { page: "lost" }],
  ])("%s names its page", (path, route) => {
    expect(routeOf(path)).toEqual(route);
  });
});

describe("a link", () => {
  beforeEach(() => {
    globalThis.scrollTo = () => {};
    goTo("/");
    addEventListener("click", followLink);
    return () => removeEventListener("click", followLink);
  });

  function click(html: string, options: MouseEventInit = {}): boolean {
    document.body.innerHTML = html;
    const event = new MouseEvent("click", { bubbles: true, cancelable: true, ...options });
    return !document.querySelector("a > *")?.dispatchEvent(event);
  }

  it("to a page is followed without loading the app again", () => {
    expect(click('<a href="/watch/A"><b>film</b></a>')).toBe(true);
    expect(address.route).toEqual({ page: "watch", id: "A" });
  });

  it.each([
    ["with a key that opens a new tab", '<a href="/watch/A"><b></b></a>', { ctrlKey: true }],
    ["for a new tab", '<a href="/watch/A" target="_blank"><b></b></a>', {}],
    ["to the service", '<a href="/api/docs"><b></b></a>', {}],
    ["to a file", '<a href="/v/A/master.m3u8"><b></b></a>', {}],
    ["within the page", '<a href="#content"><b></b></a>', {}],
    ["to elsewhere", '<a href="https://example.com/"><b></b></a>', {}],
  ])("%s is the browser's", (_, html, options) => {
    expect(click(html, options)).toBe(false);
    expect(address.route).toEqual({ page: "library" });
  });
});
