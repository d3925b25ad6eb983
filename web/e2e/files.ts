// Files of a wanted size, and the ways in which people give them to the page.

import { copyFile, mkdtemp, open, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Page } from "@playwright/test";
import { clip } from "./media";

/** A folder for the files of a test. */
export interface Scratch {
  path: string;
  /** Removes it with all that is in it. */
  remove(): Promise<void>;
}

/** Makes an empty folder. */
export async function scratchFolder(): Promise<Scratch> {
  const folder = await mkdtemp(path.join(tmpdir(), "streamforge-web-files-"));
  return { path: folder, remove: () => rm(folder, { recursive: true, force: true }) };
}

/** A video that plays, of exactly so many bytes: behind a short clip lies a box `free`, which readers skip. */
export async function film(folder: string, name: string, sizeBytes: number): Promise<string> {
  const file = path.join(folder, name);
  await copyFile(await clip({ secs: 4, size: "320x180" }), file);
  const handle = await open(file, "r+");
  const { size } = await handle.stat();
  // A size of 1 says that the real one follows in 64 bits.
  const header = Buffer.alloc(16);
  header.writeUInt32BE(1, 0);
  header.write("free", 4);
  header.writeBigUInt64BE(BigInt(sizeBytes - size), 8);
  await handle.write(header, 0, header.length, size);
  // No part is like another, so that it shows when they are mixed up.
  for (let at = size + header.length; at + 8 <= sizeBytes; at += 1 << 20) {
    await handle.write(`${at}`.padStart(8), at);
  }
  await handle.truncate(sizeBytes);
  await handle.close();
  return file;
}

/** A file that is no video, whatever it is called. */
export async function textFile(folder: string, name: string, text: string): Promise<string> {
  const file = path.join(folder, name);
  await writeFile(file, text);
  return file;
}

/** Drops files and folders of the disk onto the page, as a file manager does. */
export async function drop(page: Page, ...paths: string[]): Promise<void> {
  const protocol = await page.context().newCDPSession(page);
  const data = { items: [], files: paths, dragOperationsMask: 1 };
  for (const type of ["dragEnter", "dragOver", "drop"] as const) {
    await protocol.send("Input.dispatchDragEvent", { type, x: 200, y: 300, data });
  }
  await protocol.detach();
}
