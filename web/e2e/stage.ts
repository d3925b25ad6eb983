// What pages and states are shown with: real videos on a real service, and a crowd around them for what a service seldom is.

import { expect } from "@playwright/test";
import { atWork, member, startCrowd, type Crowd, type Video } from "./crowd";
import { landscape, type Landscape } from "./landscape";
import type { Service } from "./server";
import { look, removeAll, upload } from "./videos";

const FILMS: readonly [Landscape, number, string][] = [
  ["dawn", 64, "First light over the valley"],
  ["noon", 38, "Walking the ridge, day two"],
  ["night", 52, "Full moon, time-lapse"],
  ["autumn", 45, "October in the foothills"],
  ["mist", 41, "Fog lifts, drone footage"],
];

/** Minutes ago that the videos of the library came, one after the other. */
const AGES = [1, 3, 9, 14, 40, 130, 300, 1500, 2900, 4400, 7300, 21_000];

export interface Stage {
  service: Service;
  /** Films that are ready, on the service. */
  films: Video[];
  /** A library with videos in every state. */
  library: Crowd;
  /** One without any. */
  nothing: Crowd;
  /** Removes from the service what is none of its films. */
  tidy(): Promise<void>;
  close(): Promise<void>;
}

/** Sets the stage. */
export async function setStage(service: Service): Promise<Stage> {
  const films: Video[] = [];
  for (const [name, secs, title] of FILMS) {
    const { id } = await upload(service.api, await landscape(name, secs), title);
    films.push(await ready(service, id));
  }
  const library = await startCrowd(service.origin, membersWith(films));
  const nothing = await startCrowd(service.origin, []);
  const tidy = () => removeAll(service.api, new Set(films.map(({ id }) => id)));
  const close = async () => void (await Promise.all([library.close(), nothing.close()]));
  return { service, films, library, nothing, tidy, close };
}

async function ready(service: Service, id: string): Promise<Video> {
  await expect.poll(async () => (await look(service.api, id))?.status, { timeout: 120_000 }).toBe("ready");
  return (await look(service.api, id))!;
}

function membersWith(films: Video[]): Video[] {
  const [dawn, noon, night, autumn, mist] = films as [Video, Video, Video, Video, Video];
  const still = ({ id, poster_url = null, playback_url = null }: Video) => ({ id, poster_url, playback_url });
  const damaged = {
    code: "malformed",
    message: "the file is damaged or incomplete: upload it again",
    retryable: false,
  };
  const unlucky = {
    code: "encoding_failed",
    message: "part 3 of the pictures failed three times; trying again may help",
    retryable: true,
  };
  const failing = [
    { job: { video: 2 }, attempts: 3, error: "ffmpeg was stopped: it had said nothing for 60 s" },
  ];
  const videos: Video[] = [
    {
      ...atWork(0, 0),
      title: "Interview, camera B",
      status: "queued",
      progress: null,
      duration_secs: null,
      size_bytes: 3_310_000_000,
    },
    { ...atWork(1, 0.34), ...still(noon), title: noon.title, duration_secs: 1312, size_bytes: 1_740_000_000 },
    { ...atWork(2, 0.82), ...still(mist), title: mist.title, duration_secs: 421, size_bytes: 655_000_000 },
    member(3, {
      title: "Interview, camera A",
      status: "failed",
      failure: unlucky,
      duration_secs: 2710,
      size_bytes: 3_190_000_000,
      progress: { ...atWork(3, 0.4).progress!, failing },
    }),
    member(4, { ...still(dawn), title: dawn.title, duration_secs: 754, size_bytes: 981_000_000 }),
    member(5, {
      title: "rushes_0412.mov",
      status: "failed",
      failure: damaged,
      duration_secs: null,
      size_bytes: 48_200_000,
    }),
    member(6, {
      ...still(night),
      title: night.title,
      duration_secs: 96,
      size_bytes: 212_000_000,
      width: 3840,
      height: 2160,
    }),
    member(7, { ...still(autumn), title: autumn.title, duration_secs: 3754, size_bytes: 4_870_000_000 }),
  ];
  return videos.map((video, place) => {
    const created = new Date(Date.now() - (AGES[place] ?? 0) * 60_000).toISOString();
    return { ...video, created_at: created, updated_at: created };
  });
}
