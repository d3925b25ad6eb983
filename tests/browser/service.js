// The whole service as a process, and a client that uploads to it.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { streamforge } from "./media.js";

/** How often something is asked again, in milliseconds. */
const PAUSE = 50;

/** Starts `streamforge up` on a new folder and free ports. */
export async function startService() {
  const data = mkdtempSync(path.join(tmpdir(), "streamforge-"));
  const port = await freePort();
  const child = spawn(streamforge, ["up", "--data", data, "--port", `${port}`], {
    stdio: ["ignore", "inherit", "inherit"],
  });
  const origin = `http://127.0.0.1:${port}`;
  const close = async () => {
    child.kill();
    await once(child, "exit");
    rmSync(data, { recursive: true });
  };
  while (!(await isUp(origin))) {
    if (child.exitCode !== null) {
      throw new Error("the service did not start");
    }
    await sleep(PAUSE);
  }
  return { origin, close };
}

async function isUp(origin) {
  try {
    return (await fetch(`${origin}/api/health`)).ok;
  } catch {
    return false;
  }
}

/** A port that is free, as is the one after it. */
async function freePort() {
  for (;;) {
    const first = await listen(0);
    const { port } = first.address();
    const second = await listen(port + 1).catch(() => undefined);
    await Promise.all([first, second].map((server) => server && close(server)));
    if (second) {
      return port;
    }
  }
}

async function listen(port) {
  const server = createServer().listen(port, "127.0.0.1");
  await once(server, "listening");
  return server;
}

const close = (server) => new Promise((resolve) => server.close(resolve));

/** Asks the API; an answer that is no success is an error. */
export async function call(origin, method, route, body) {
  const response = await fetch(`${origin}${route}`, {
    method,
    headers: body && { "content-type": "application/json" },
    body: body && JSON.stringify(body),
  });
  const answer = await response.json();
  if (!response.ok) {
    throw new Error(`${method} ${route}: ${response.status} ${JSON.stringify(answer)}`);
  }
  return answer;
}

/** Uploads `bytes`, which are one part, and tells the id of the video. */
export async function upload(origin, name, bytes) {
  const announced = { file_name: name, size_bytes: bytes.length };
  const upload = await call(origin, "POST", "/api/v1/uploads", announced);
  for (const { url } of upload.part_urls) {
    const sent = await fetch(url, { method: "PUT", body: bytes });
    if (!sent.ok) {
      throw new Error(`sending ${name}: ${sent.status}`);
    }
  }
  await call(origin, "POST", `/api/v1/uploads/${upload.id}/complete`, {});
  return upload.video_id;
}

/** Asks until the video is as wanted. */
export async function until(origin, video, isWanted) {
  for (;;) {
    const found = await call(origin, "GET", `/api/v1/videos/${video}`);
    if (isWanted(found)) {
      return found;
    }
    if (found.status === "failed") {
      throw new Error(JSON.stringify(found.failure));
    }
    await sleep(PAUSE);
  }
}
