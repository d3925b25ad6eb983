import { answer, api, type Job, type Video } from "../api/client";
import { inWords, isProblem } from "../api/errors";
import { watchPath } from "../router";
import { copyText } from "../ui/clipboard";
import { showToast } from "../ui/toasts.svelte";
import { plural } from "../ui/words";
import { catalog } from "./catalog.svelte";

/** Gives a video another title. It shows at once, and goes back when the service refuses. */
export async function rename(video: Video, title: string): Promise<void> {
  catalog.learn({ ...video, title });
  try {
    const params = { path: { id: video.id } };
    catalog.learn(await answer(api.PATCH("/api/v1/videos/{id}", { params, body: { title } })));
  } catch (error) {
    catalog.learn({ ...(catalog.get(video.id) ?? video), title: video.title });
    showToast(`“${title}” was not saved. ${inWords(error)}`, { tone: "danger" });
  }
}

/** Tries failed videos again; of a single one perhaps only one job. */
export async function retry(videos: readonly Video[], job?: Job): Promise<void> {
  const tries = await Promise.allSettled(videos.map((video) => retryOne(video, job)));
  const failure = failureOf(named(videos), tries, "tried again");
  if (failure) showToast(failure, { tone: "danger" });
  else showToast(videos.length === 1 ? "Trying again" : `Trying ${plural(videos.length, "video")} again`);
}

/** A video by its title, shortened, or several by their number. */
export function named(videos: readonly Video[]): string {
  const [first] = videos;
  if (!first || videos.length > 1) return plural(videos.length, "video");
  const { title } = first;
  return `“${title.length > 40 ? `${title.slice(0, 39).trimEnd()}…` : title}”`;
}

/** To how many of the videos `what` something was not done, and why to the first of them; nothing when it was done to all. */
export function failureOf(
  what: string,
  tries: readonly PromiseSettledResult<unknown>[],
  done: string,
): string | undefined {
  const [first, ...others] = tries.filter((one) => one.status === "rejected");
  if (!first) return undefined;
  const failed = tries.length === 1 ? what : `${others.length + 1} of ${what}`;
  return `${failed} ${others.length === 0 ? "was" : "were"} not ${done}. ${inWords(first.reason)}`;
}

async function retryOne(video: Video, job: Job | undefined): Promise<void> {
  const params = { path: { id: video.id } };
  try {
    const body = job ? { job } : {};
    catalog.learn(await answer(api.POST("/api/v1/videos/{id}/retry", { params, body })));
  } catch (error) {
    // Perhaps somebody else was faster, or the answer to a first attempt was lost: what is true now?
    const now = isProblem(error, "/problems/not-retryable")
      ? await answer(api.GET("/api/v1/videos/{id}", { params }))
      : video;
    catalog.learn(now);
    if (now.status === "failed") throw error;
  }
}

/** Copies the links under which videos are watched, one a line. */
export async function copyLinks(videos: readonly Video[]): Promise<void> {
  const links = videos.map((video) => location.origin + watchPath(video.id));
  try {
    await copyText(links.join("\n"));
    showToast(links.length === 1 ? "Link copied" : `${links.length} links copied`);
  } catch {
    showToast(`The browser did not allow copying. The link is ${links[0]}`, { tone: "danger" });
  }
}
