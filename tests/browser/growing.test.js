// A stream plays while it is being made.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, rmSync } from "node:fs";
import path from "node:path";
import { it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { mediaDir, streamforge, transcodeArgs } from "./media.js";
import { launchChromium, openPlayer } from "./player.js";
import { playlistSeconds, segmentDurations } from "./playlist.js";
import { serve } from "./server.js";

const FRAME_SECONDS = 1 / 30;
/** Far more than encoding the source takes on two busy cores. */
const LIMIT_SECONDS = 180;

it("plays from zero to the end while it grows", { timeout: LIMIT_SECONDS * 1000 }, async (t) => {
  const server = await serve(mediaDir);
  t.after(() => server.close());
  const browser = await launchChromium();
  t.after(() => browser.close());
  const packageDir = path.join(mediaDir, "growing");
  rmSync(packageDir, { recursive: true, force: true });
  const args = transcodeArgs(packageDir, "--segment-secs", "2", "--jobs", "1");
  const encoder = spawn(streamforge, args, { stdio: "inherit" });
  t.after(() => encoder.kill());
  const encoded = once(encoder, "exit");

  while ((await countSegments(packageDir)) < 2) {
    assert.equal(encoder.exitCode, null, "the encoder ended without a stream");
    await sleep(50);
  }
  // Of two segments, this configuration would skip the first if the playlist did not say otherwise.
  const player = await openPlayer(browser, "hls.js", `${server.origin}/growing/master.m3u8`, {
    config: { liveSyncDuration: 1 },
  });
  const stillEncoding = encoder.exitCode === null;
  const ended = await player.call("playToEnd", 1, LIMIT_SECONDS);
  const [exitCode] = await encoded;

  assert.equal(exitCode, 0);
  const seconds = await playlistSeconds(packageDir);
  assert.ok(stillEncoding && player.opened.duration < seconds, "it was complete at once");
  assert.equal(player.opened.currentTime, 0);
  assert.deepEqual(server.refused, []);
  // A machine slower than playback starves the player, which is honest; giving up is not.
  assert.deepEqual(
    ended.problems.filter((problem) => problem.includes("fatally")),
    [],
  );
  assert.equal(ended.buffered.length, 1, `gaps between ${JSON.stringify(ended.buffered)}`);
  assert.equal(ended.framesDecoded, Math.round(seconds / FRAME_SECONDS));
  assert.ok(Math.abs(ended.currentTime - seconds) < FRAME_SECONDS, `${ended.currentTime} s`);
});

/** Segments of the first variant stream that are there by now. */
async function countSegments(packageDir) {
  if (!existsSync(path.join(packageDir, "master.m3u8"))) {
    return 0;
  }
  return (await segmentDurations(packageDir)).length;
}
