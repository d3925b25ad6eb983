// A stream plays while it is being made.

import assert from "node:assert/strict";
import path from "node:path";
import { after, before, it } from "node:test";
import { GrowingStream } from "./growing.js";
import { mediaDir } from "./media.js";
import { launchChromium, openPlayer } from "./player.js";
import { playlistSeconds } from "./playlist.js";
import { serve } from "./server.js";

let browser;

before(async () => {
  browser = await launchChromium();
});

after(() => browser?.close());

it("plays a growing EVENT playlist from zero to the end", { timeout: 60_000 }, async (t) => {
  const stream = new GrowingStream(4.1, 4);
  const server = await serve(mediaDir, (playlist) => stream.rewrite(playlist));
  t.after(() => server.close());
  const seconds = await playlistSeconds(path.join(mediaDir, "cmaf"));

  const { opened, call } = await openPlayer(browser, "hls.js", `${server.origin}/cmaf/master.m3u8`);
  const ended = await call("playToEnd", 1);

  assert.equal(opened.currentTime, 0);
  assert.ok(opened.duration < seconds);
  assert.ok(stream.growingPlaylistsServed > 2);
  assert.deepEqual(ended.problems, []);
  assert.deepEqual(ended.waits, []);
  assert.ok(Math.abs(ended.currentTime - seconds) < 1 / 30);
});
