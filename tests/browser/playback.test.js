// A package plays as a viewer expects, in the players that people use.

import assert from "node:assert/strict";
import path from "node:path";
import { after, afterEach, before, describe, it } from "node:test";
import { mediaDir } from "./media.js";
import { launchChromium, openPlayer, readScreenshot } from "./player.js";
import { playlistSeconds } from "./playlist.js";
import { serve } from "./server.js";

const FRAME_SECONDS = 1 / 30;
/** Heights: every rung is left once and entered once, the largest step is taken upwards. */
const RUNG_SWITCHES = [
  [360, 1080],
  [1080, 720],
  [720, 360],
];
/** Some five times what the longest test takes on two idle cores. */
const LIMIT = { timeout: 45_000 };

/** Fast enough to keep the tests short, slow enough for two cores to decode 1080p. */
const RATE = 2;

const CASES = [
  { name: "CMAF by HLS in hls.js", engine: "hls.js", manifest: "cmaf/master.m3u8" },
  { name: "CMAF by HLS in Shaka", engine: "shaka", manifest: "cmaf/master.m3u8" },
  { name: "CMAF by DASH in Shaka", engine: "shaka", manifest: "cmaf/manifest.mpd" },
  {
    name: "MPEG-TS by HLS in hls.js",
    engine: "hls.js",
    manifest: "mpegts/master.m3u8",
    // hls.js puts zero at the first decoding timestamp, two B-frames before the first picture.
    firstFrame: 2 * FRAME_SECONDS,
  },
];

let browser;
let server;

before(async () => {
  browser = await launchChromium();
  server = await serve(mediaDir);
});

after(async () => {
  await browser?.close();
  await server?.close();
});

for (const { name, engine, manifest, firstFrame = 0 } of CASES) {
  describe(name, () => {
    const open = (options) =>
      openPlayer(browser, engine, `${server.origin}/${manifest}`, options);
    let end;

    before(async () => {
      const dir = path.join(mediaDir, path.dirname(manifest));
      end = firstFrame + (await playlistSeconds(dir));
    });

    afterEach(async () => {
      await Promise.all(browser.contexts().map((context) => context.close()));
      assert.deepEqual(server.refused.splice(0), []);
    });

    it("plays from zero to the end without a gap or a stall", LIMIT, async () => {
      const { opened, call } = await open();

      const ended = await call("playToEnd", RATE);

      assert.equal(opened.currentTime, 0);
      assertUntroubled(ended);
      assertWithinFrame(ended.buffered[0][0], firstFrame);
      assertWithinFrame(ended.buffered[0][1], end);
      assertWithinFrame(ended.duration, end);
      assertWithinFrame(ended.currentTime, end);
      assert.equal(ended.framesDecoded, Math.round((end - firstFrame) / FRAME_SECONDS));
      assert.ok(ended.audioBytesDecoded > 0);
    });

    it("shows on screen the frame it is asked to seek to", LIMIT, async () => {
      const { page, call } = await open();

      for (const time of [9.5, 12.5, 3.5, 7.5, 13.75, 0.5]) {
        const { currentTime } = await call("seek", time);
        assert.equal(currentTime, time);
        const file = path.join(mediaDir, `${name} at ${time} s.png`);
        const { second, colours } = await readScreenshot(page, file);
        assert.equal(second, Math.floor(time), file);
        assert.ok(colours > 100, `${file} has only ${colours} colours`);
      }

      assert.deepEqual((await call("state")).problems, []);
    });

    it("plays on after a seek to the last second", LIMIT, async () => {
      const { call } = await open();

      await call("seek", end - 0.9);
      const ended = await call("playToEnd", 1);

      assert.deepEqual(ended.problems, []);
      assertWithinFrame(ended.currentTime, end);
    });

    for (const [from, to] of RUNG_SWITCHES) {
      it(`goes from the ${from}p rung to ${to}p without a gap`, LIMIT, async () => {
        const { opened, call } = await open({ startHeight: from });
        assert.equal(opened.height, from);
        assert.deepEqual(new Set(await call("rungHeights")), new Set([1080, 720, 360]));

        assertUntroubled(await call("switchTo", to, RATE));
      });
    }
  });
}

function assertUntroubled({ problems, starvations, buffered }) {
  assert.deepEqual(problems, []);
  assert.deepEqual(starvations, []);
  assert.equal(buffered.length, 1, `gaps between ${JSON.stringify(buffered)}`);
}

function assertWithinFrame(actual, expected) {
  const message = `${actual} s is not within a frame of ${expected} s`;
  assert.ok(Math.abs(actual - expected) < FRAME_SECONDS, message);
}
