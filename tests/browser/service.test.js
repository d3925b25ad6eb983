// What was uploaded plays in a browser, on a page of another origin.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import { after, before, it } from "node:test";
import { mediaDir } from "./media.js";
import { launchChromium, openPlayer } from "./player.js";
import { serve } from "./server.js";
import { startService, until, upload } from "./service.js";

const SECONDS = 5;
const FRAMES_PER_SECOND = 25;
/** Far more than a video of some seconds takes on two busy cores. */
const LIMIT = { timeout: 120_000 };

const H264 = ["-c:v", "libx264", "-preset", "ultrafast", "-bf", "2", "-c:a", "aac"];
const FILES = [
  ["upload.mp4", H264],
  ["upload.mov", H264],
  ["upload.mkv", H264],
  ["upload.ts", H264],
  ["upload.webm", ["-c:v", "libvpx", "-deadline", "realtime", "-c:a", "libopus"]],
  // The encoder's delay is a frame that is not there, and is shown by repeating the first one.
  ["upload.avi", ["-c:v", "mpeg4", "-c:a", "libmp3lame"], 1],
];

let browser;
let page;
let service;

before(async () => {
  [browser, page, service] = await Promise.all([
    launchChromium(),
    serve(mediaDir),
    startService(),
  ]);
});

after(async () => {
  await browser?.close();
  await page?.close();
  await service?.close();
});

function make(name, codecs) {
  const file = path.join(mediaDir, name);
  execFileSync("ffmpeg", [
    ...["-hide_banner", "-nostdin", "-v", "error", "-y"],
    ...["-f", "lavfi", "-i", `testsrc2=size=320x180:rate=${FRAMES_PER_SECOND}:duration=${SECONDS}`],
    ...["-f", "lavfi", "-i", `sine=frequency=440:duration=${SECONDS}`],
    ...codecs,
    file,
  ]);
  return readFileSync(file);
}

for (const [name, codecs, repeated = 0] of FILES) {
  it(`plays ${name} from the moment it can to its end`, LIMIT, async () => {
    const video = await upload(service.origin, name, make(name, codecs));
    const playable = await until(service.origin, video, ({ playable }) => playable);
    const player = await openPlayer(browser, "hls.js", service.origin + playable.playback_url, {
      origin: page.origin,
    });
    const ended = await player.call("playToEnd", 2, LIMIT.timeout / 1000);

    assert.equal(player.opened.currentTime, 0);
    assert.deepEqual(
      ended.problems.filter((problem) => problem.includes("fatally")),
      [],
    );
    assert.equal(ended.framesDecoded, SECONDS * FRAMES_PER_SECOND + repeated);
    assert.ok(ended.audioBytesDecoded > 0);
    assert.equal(ended.buffered.length, 1, JSON.stringify(ended.buffered));
  });
}
