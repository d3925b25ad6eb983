// A service that tells of videos that are not there: hundreds of them at work at once, or states that a real one reaches only by bad
// luck. It answers for `/api/v1/videos` and the events itself, and does not carry out what it is asked to delete; pages and all the rest
// come from the real service behind it.

import { once } from "node:events";
import { createServer, request, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { components } from "../src/api/schema";

export type Video = components["schemas"]["Video"];

/** The crowd, and what it can be made to do. */
export interface Crowd {
  origin: string;
  /** Requests that reached it, such as `GET /api/v1/videos`. */
  asked: string[];
  /** What was to be tried again: the bodies of these requests. */
  retried: unknown[];
  /** Changes a video and tells everybody. */
  tell(video: Video): void;
  /** Adds a video without a word, and then says that changes may have been missed. */
  lose(video: Video): void;
  close(): Promise<void>;
}

const RUNGS = ["1080p", "720p", "360p"];
const CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/** A video of the crowd. */
export function member(place: number, change: Partial<Video> = {}): Video {
  const digits = [place >> 10, place >> 5, place].map((bits) => CROCKFORD[bits & 31]).join("");
  const created = new Date(Date.UTC(2026, 10, 1) - place * 3_600_000).toISOString();
  return {
    id: `0CR0WD${"0".repeat(17)}${digits}`,
    title: `Recording ${place}`,
    visibility: "unlisted",
    status: "ready",
    playable: true,
    size_bytes: 10_000_000 * (place + 1),
    duration_secs: 60 + place,
    width: 1920,
    height: 1080,
    poster_url: null,
    created_at: created,
    updated_at: created,
    revision: 5,
    ...change,
  };
}

/** The same, being encoded, so far as `share` of 1 says. */
export function atWork(place: number, share: number): Video {
  const segments = 50;
  const done = Math.floor(share * segments);
  return member(place, {
    status: "processing",
    playable: done > 0,
    progress: {
      percent: share * 100,
      eta_secs: Math.round((1 - share) * 120),
      jobs: 20,
      jobs_done: Math.floor(share * 20),
      rungs: RUNGS.map((name) => ({ name, segments, segments_done: done })),
      failing: [],
    },
  });
}

/** Starts it, before a real service. */
export async function startCrowd(behind: string, members: Video[]): Promise<Crowd> {
  const videos = new Map(members.map((video) => [video.id, video]));
  const listeners = new Set<ServerResponse>();
  const asked: string[] = [];
  const retried: unknown[] = [];

  const say = (to: Iterable<ServerResponse>, event: string, data: unknown) => {
    for (const one of to) one.write(`id: ${Date.now()}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  };
  const server = createServer(async (asking, answering) => {
    const { pathname, searchParams } = new URL(asking.url ?? "/", behind);
    asked.push(`${asking.method} ${pathname}`);
    if (pathname === "/api/v1/events") {
      answering.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
      answering.write("retry: 2000\n\n");
      listeners.add(answering);
      asking.on("close", () => listeners.delete(answering));
      for (const video of videos.values())
        if (video.status === "processing") say([answering], "video", video);
    } else if (pathname === "/api/v1/videos") {
      json(
        answering,
        page([...videos.values()], Number(searchParams.get("limit")), searchParams.get("cursor")),
      );
    } else {
      const [, id, what] = /^\/api\/v1\/videos\/(\w+)\/?(retry|events)?$/.exec(pathname) ?? [];
      const video = videos.get(id ?? "");
      if (!video) return forward(behind, asking, answering);
      if (what === "events") {
        answering.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
        return say([answering], "video", video);
      }
      if (what === "retry") {
        retried.push(await bodyOf(asking));
        videos.set(video.id, {
          ...video,
          status: "queued",
          failure: null,
          progress: null,
          revision: video.revision + 1,
        });
      }
      json(answering, videos.get(video.id) ?? null);
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");

  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    retried,
    tell: (video) => {
      videos.set(video.id, video);
      say(listeners, "video", video);
    },
    lose: (video) => {
      videos.set(video.id, video);
      say(listeners, "reset", {});
    },
    close: async () => {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}

/** As the real one lists: newest first, without progress, page by page. */
function page(videos: Video[], limit: number, cursor: string | null) {
  const sorted = videos.sort((one, other) => other.created_at.localeCompare(one.created_at));
  const from = Number(cursor ?? 0);
  const end = from + (limit || 50);
  return {
    videos: sorted.slice(from, end).map((video) => ({ ...video, progress: null })),
    next_cursor: end < sorted.length ? String(end) : null,
  };
}

async function bodyOf(asking: IncomingMessage): Promise<unknown> {
  const text = (await asking.toArray()).join("");
  return text ? JSON.parse(text) : undefined;
}

function json(answering: ServerResponse, body: unknown): void {
  answering.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(body));
}

function forward(behind: string, asking: IncomingMessage, answering: ServerResponse): void {
  const { method, headers } = asking;
  const forwarded = request(new URL(asking.url ?? "/", behind), { method, headers }, (answer) => {
    answering.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(answering);
  });
  forwarded.on("error", () => answering.writeHead(502).end());
  asking.pipe(forwarded);
}
