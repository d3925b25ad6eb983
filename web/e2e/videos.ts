// Videos by the API alone, for tests that are about something else than uploading.

import { readFile } from "node:fs/promises";
import path from "node:path";
import type { components } from "../src/api/schema";

type Video = components["schemas"]["Video"];

/** Uploads a file in one request. */
export async function upload(origin: string, file: string, title: string): Promise<Video> {
  const form = new FormData();
  form.set("title", title);
  form.set("file", new Blob([await readFile(file)]), path.basename(file));
  return call<Video>(origin, "POST", "/api/upload", form);
}

/** Uploads a text, which is no video and fails. */
export async function uploadText(origin: string, title: string): Promise<Video> {
  const form = new FormData();
  form.set("title", title);
  form.set("file", new Blob(["Dear diary, this is not a video."]), "diary.mp4");
  return call<Video>(origin, "POST", "/api/upload", form);
}

/** Announces a file of which nothing is sent. Tells the id of its video. */
export async function announce(origin: string, title: string, size = 5_000_000): Promise<string> {
  const body = JSON.stringify({ file_name: `${title}.mp4`, size_bytes: size, title });
  const upload = await call<components["schemas"]["Upload"]>(origin, "POST", "/api/v1/uploads", body);
  return upload.video_id;
}

/** A video as it is, or nothing when it is gone. */
export async function look(origin: string, id: string): Promise<Video | undefined> {
  const response = await fetch(`${origin}/api/v1/videos/${id}`);
  return response.ok ? ((await response.json()) as Video) : undefined;
}

/** Removes all videos, but for some. */
export async function removeAll(origin: string, but: ReadonlySet<string> = new Set()): Promise<void> {
  const { videos } = await call<{ videos: Video[] }>(origin, "GET", "/api/v1/videos?limit=200");
  const others = videos.filter(({ id }) => !but.has(id));
  await Promise.all(others.map(({ id }) => call(origin, "DELETE", `/api/v1/videos/${id}`)));
}

async function call<T>(origin: string, method: string, route: string, body?: FormData | string): Promise<T> {
  const headers = typeof body === "string" ? { "content-type": "application/json" } : undefined;
  const response = await fetch(origin + route, {
    method,
    ...(body && { body }),
    ...(headers && { headers }),
  });
  const answer = await response.text();
  if (!response.ok) throw new Error(`${method} ${route}: ${response.status} ${answer}`);
  return (answer ? JSON.parse(answer) : undefined) as T;
}
