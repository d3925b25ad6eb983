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
import { playlistSeconds } from "./playlist.js";
import { serve } from "./server.js";

const FRAME_SECONDS = 1 / 30;

it("plays from zero to the end while it grows", { timeout: 180_000 }, async (t) => {
  const packageDir = path.join(mediaDir, "growing");
  rmSync(packageDir, { recursive: true, force: true });
  const encoder = spawn(streamforge, transcodeArgs(packageDir), { stdio: "inherit" });
  const encoded = once(encoder, "exit");
  t.after(() => encoder.kill());
  const server = await serve(mediaDir);
  t.after(() => server.close());
  const browser = await launchChromium();
  t.after(() => browser.close());

  while (!existsSync(path.join(packageDir, "master.m3u8"))) {
    assert.equal(encoder.exitCode, null, "the encoder ended without a stream");
    await sleep(50);
  }
  const url = `${server.origin}/growing/master.m3u8`;
  // The player would start a second before the live edge if the playlist did not tell it to start
  // at zero.
  const player = await openPlayer(browser, "hls.js", url, { config: { liveSyncDuration: 1 } });
  const encoderRan = encoder.exitCode === null;
  const ended = await player.call("playToEnd", 1);
  const [exitCode] = await encoded;

  assert.equal(exitCode, 0);
  const seconds = await playlistSeconds(packageDir);
  assert.ok(encoderRan && player.opened.duration < seconds, "it was complete at once");
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
