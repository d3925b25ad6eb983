import { answer, api, type Video } from "../api/client";
import { inWords, isProblem } from "../api/errors";
import { actOnToast, showToast } from "../ui/toasts.svelte";
import { plural } from "../ui/words";
import { catalog } from "./catalog.svelte";

// Deleting cannot be undone once it is done, so it is not done yet while a message offers to undo it.

/** What was removed together and can still be brought back, by the message that offers it. */
const undoable = new Map<number, string[]>();

/** Removes videos; for some seconds a message offers to undo it. */
export function remove(videos: readonly Video[]): void {
  const [first] = videos;
  if (!first) return;
  const ids = videos.map((video) => video.id);
  ids.forEach((id) => catalog.hide(id));
  const what = videos.length === 1 ? `“${shortened(first.title)}”` : plural(videos.length, "video");
  const toast = showToast(`Deleted ${what}`, {
    action: { label: "Undo", run: () => bringBack(toast) },
    gone: () => void carryOut(toast),
  });
  undoable.set(toast, ids);
}

/** Undoes the last removal that can be undone, and tells whether there was one. */
export function undoRemoval(): boolean {
  const last = [...undoable.keys()].at(-1);
  if (last !== undefined) actOnToast(last);
  return last !== undefined;
}

function bringBack(toast: number): void {
  undoable.get(toast)?.forEach((id) => catalog.unhide(id));
  undoable.delete(toast);
}

async function carryOut(toast: number): Promise<void> {
  const ids = undoable.get(toast) ?? [];
  undoable.delete(toast);
  const deletions = await Promise.allSettled(ids.map(deleteOne));
  const failure = deletions.find((one) => one.status === "rejected");
  if (failure) showToast(`Not everything was deleted. ${inWords(failure.reason)}`, { tone: "danger" });
}

async function deleteOne(id: string): Promise<void> {
  try {
    await answer(api.DELETE("/api/v1/videos/{id}", { params: { path: { id } } }));
  } catch (error) {
    if (!isProblem(error, "/problems/not-found")) {
      catalog.unhide(id);
      throw error;
    }
  }
  catalog.forget(id);
}

/** Who leaves the page meant it. */
addEventListener("pagehide", () => {
  const ids = [...undoable.values()].flat();
  undoable.clear();
  for (const id of ids) void fetch(`/api/v1/videos/${id}`, { method: "DELETE", keepalive: true });
});

function shortened(title: string): string {
  return title.length > 40 ? `${title.slice(0, 39).trimEnd()}…` : title;
}
