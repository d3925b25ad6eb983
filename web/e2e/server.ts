// The service as a process of its own, with the pages in front of it.

import { type ChildProcess, spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { createSocket } from "node:dgram";
import { type EventEmitter, once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { preview } from "vite";

/** The program; `scripts/test` sets it. */
const PROGRAM = process.env.STREAMFORGE ?? "streamforge";

/** Whether the program serves the pages itself; until it does, Vite serves those of `dist` before it. */
const SERVES_PAGES = process.env.STREAMFORGE_SERVES_PAGES === "1";

/** Folder of the built pages. */
const PAGES = process.env.STREAMFORGE_PAGES ?? "dist";

/** How often a starting service is asked whether it is up, in milliseconds. */
const PAUSE_MS = 50;

const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** A running service. */
export interface Service {
  /** Where its pages are. */
  origin: string;
  /** Where its API is without anything in between. */
  api: string;
  /** Its folder of data. */
  data: string;
  /** Kills it as a crash does; the pages stay. */
  kill(): Promise<void>;
  /** Starts it again on the same ports and data. */
  restart(): Promise<void>;
  /** Stops all of it and removes its data. */
  close(): Promise<void>;
}

/** What a service is started with. */
export interface ServiceOptions {
  /** Stands before the storage: told the storage's port, it tells the one that pages are to send files to. */
  beforeStorage?(port: number): Promise<number>;
}

/** Starts `streamforge up` on free ports and an empty folder, with the built pages (`npm run build`) at `origin`. */
export async function startService({ beforeStorage }: ServiceOptions = {}): Promise<Service> {
  const data = await mkdtemp(path.join(tmpdir(), "streamforge-web-"));
  const port = await freePorts();
  const api = `http://127.0.0.1:${port}`;
  const pagesPort = SERVES_PAGES ? port : await freePorts();
  const origin = `http://127.0.0.1:${pagesPort}`;
  const files = `http://127.0.0.1:${beforeStorage ? await beforeStorage(port + 1) : port + 1}`;
  let child = await start(data, port, origin, files);
  const pages = SERVES_PAGES ? undefined : await servePages(api, files, pagesPort);

  const stop = async (signal: NodeJS.Signals) => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill(signal);
    await once(child, "exit");
  };
  return {
    origin,
    api,
    data,
    kill: () => stop("SIGKILL"),
    restart: async () => {
      await stop("SIGTERM");
      child = await start(data, port, origin, files);
    },
    close: async () => {
      await stop("SIGTERM");
      await pages?.close();
      await rm(data, { recursive: true, force: true });
    },
  };
}

async function start(data: string, port: number, origin: string, files: string): Promise<ChildProcess> {
  const urls = ["--public-url", origin, "--public-files-url", files];
  const child = spawn(PROGRAM, ["up", "--data", data, "--port", `${port}`, ...urls], {
    stdio: ["ignore", "ignore", process.env.STREAMFORGE_LOG ? "inherit" : "ignore"],
  });
  let failure: Error | undefined;
  child.once("error", (error) => (failure = error));
  while (!(await isUp(`http://127.0.0.1:${port}`))) {
    if (failure) throw failure;
    if (child.exitCode !== null) throw new Error(`${PROGRAM} up ended with ${child.exitCode}`);
    await sleep(PAUSE_MS);
  }
  return child;
}

async function servePages(api: string, files: string, port: number): Promise<{ close(): Promise<void> }> {
  // `vite.config.ts` reads them for the proxy and for the policy.
  process.env.STREAMFORGE_URL = api;
  process.env.STREAMFORGE_FILES_URL = files;
  const server = await preview({
    root: ROOT,
    // What it cannot reach is reached by no test on purpose.
    logLevel: "silent",
    build: { outDir: PAGES },
    preview: { port, strictPort: true, host: "127.0.0.1" },
  });
  return server;
}

async function isUp(api: string): Promise<boolean> {
  return fetch(`${api}/api/health`).then(
    (response) => response.ok,
    () => false,
  );
}

/**
 * A port that is free, as is the one after it, and that no other test gets until this process ends. It is below the ports
 * that Linux gives to outgoing connections: one of those may be a client's by the time a killed service starts again on it.
 */
async function freePorts(): Promise<number> {
  for (;;) {
    const port = 2 * randomInt(5_000, 16_000);
    // Nobody here serves UDP, so its port of this number tells other tests that the pair is taken.
    const taken = createSocket("udp4");
    taken.bind({ port, address: "127.0.0.1", exclusive: true });
    const isFree =
      (await happens(taken, "listening")) && (await isUnused(port)) && (await isUnused(port + 1));
    taken.unref();
    if (isFree) return port;
    taken.close();
  }
}

async function isUnused(port: number): Promise<boolean> {
  const server = createServer().listen(port, "127.0.0.1");
  if (!(await happens(server, "listening"))) return false;
  await new Promise((done) => server.close(done));
  return true;
}

/** Whether `event` comes and no error. */
async function happens(emitter: EventEmitter, event: string): Promise<boolean> {
  return once(emitter, event).then(
    () => true,
    () => false,
  );
}
