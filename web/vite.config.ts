import { readFileSync } from "node:fs";
import { svelte } from "@sveltejs/vite-plugin-svelte";
import type { Plugin, ProxyOptions } from "vite";
import { defineConfig } from "vitest/config";

/** The service behind the pages: `streamforge up`. */
const service = process.env.STREAMFORGE_URL ?? "http://127.0.0.1:8080";

/** Where files are sent: by default the next port of the service. */
const files = process.env.STREAMFORGE_FILES_URL ?? nextPort(service);

/** An answer that breaks off behind the proxy breaks off before it too: a stream of events would seem to go on for ever. */
const endTogether: NonNullable<ProxyOptions["configure"]> = (proxy) =>
  proxy.on("proxyRes", (behind, _request, before) => behind.on("close", () => before.destroy()));

const proxy = Object.fromEntries(
  ["/api/", "/v/"].map((path) => [path, { target: service, configure: endTogether }]),
);

/** The policy under which the service serves the pages, so that what breaks under it breaks here too. */
const policies: Plugin = {
  name: "policies",
  configurePreviewServer: ({ middlewares }) => {
    middlewares.use(({ url }, response, next) => {
      response.setHeader("Content-Security-Policy", policy(url?.startsWith("/embed/") ? "*" : "'none'"));
      next();
    });
  },
};

export default defineConfig({
  plugins: [svelte(), policies],
  // Without this Svelte is resolved for a server, where components cannot be mounted.
  resolve: process.env.VITEST ? { conditions: ["browser"] } : {},
  build: {
    // The first that know `light-dark()`, `:has()` and `color-mix()`.
    target: ["chrome123", "firefox121", "safari17.5"],
    // The policy of `csp.txt` lets nothing in that is written inline.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // hls.js, which is loaded with the player and for browsers that need it. `npm run size` watches the first load.
    chunkSizeWarningLimit: 620,
  },
  server: { proxy },
  preview: { proxy },
  test: {
    include: ["src/**/*.test.ts", "scripts/**/*.test.ts"],
  },
});

/** What a page may do that may be in frames of `ancestors`. */
function policy(ancestors: string): string {
  const template = readFileSync(new URL("csp.txt", import.meta.url), "utf8").trim();
  return template.replace("{files}", files).replace("{ancestors}", ancestors);
}

function nextPort(origin: string): string {
  const url = new URL(origin);
  url.port = String(Number(url.port || 80) + 1);
  return url.origin;
}
