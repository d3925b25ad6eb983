// What the first load of `dist/` weighs, as it is sent (gzip); fails above the budget. Raise the budget only together with what it buys.

import { readdir, readFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";

/** Bytes of everything that the first page loads before it shows, without the player. */
const BUDGET = 90_000;

/** What only the player needs must not be in it. */
const LAZY = /hls|media-chrome|WatchPage|EmbedPage/i;

const dist = new URL("../dist/", import.meta.url);

const html = await readFile(new URL("index.html", dist), "utf8");
const named = [...html.matchAll(/(?:src|href)="\/([^"]+)"/g)].map(([, path]) => path ?? "");
const first = await withImports(["index.html", ...named]);

let total = 0;
for (const path of first) {
  const bytes = await weigh(path);
  total += bytes;
  print(bytes, path);
}
print(total, `first load; the budget is ${BUDGET}`);

const assets = (await readdir(new URL("assets/", dist))).map((name) => `assets/${name}`);
console.log("\nlater, when it is needed:");
for (const path of assets) if (!first.has(path)) print(await weigh(path), path);

const early = [...first].filter((path) => LAZY.test(path));
if (early.length > 0) fail(`the player is part of the first load: ${early.join(", ")}`);
if (total > BUDGET) fail(`the first load is ${total - BUDGET} bytes over the budget`);

/**
 * These files and all that they import before they run.
 *
 * @param {string[]} paths
 */
async function withImports(paths) {
  const found = new Set(paths);
  // A set is gone through in order, with what is added on the way.
  for (const path of found) {
    if (!path.endsWith(".js")) continue;
    const code = await readFile(new URL(path, dist), "utf8");
    for (const [, name] of code.matchAll(/(?:from|import)\s*"\.\/([\w.-]+\.js)"/g))
      found.add(`assets/${name}`);
  }
  return found;
}

/** @param {string} path */
async function weigh(path) {
  return gzipSync(await readFile(new URL(path, dist)), { level: 9 }).length;
}

/**
 * @param {number} bytes
 * @param {string} what
 */
function print(bytes, what) {
  console.log(`${String(bytes).padStart(8)}  ${what}`);
}

/** @param {string} why */
function fail(why) {
  console.error(`size: ${why}`);
  process.exitCode = 1;
}
