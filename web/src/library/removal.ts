import { answer, api, type Video } from "../api/client";
import { isProblem } from "../api/errors";
import { actOnToast, showToast } from "../ui/toasts.svelte";
import { forgetUploadOf, holdUploadOf } from "../upload/uploads.svelte";
import { failureOf, named } from "./actions";
import { catalog } from "./catalog.svelte";

// Deleting cannot be undone once it is done, so it is not done yet while a message offers to undo it.

/** A video that was removed. Where this page is still sending its file, that stands still until it is decided. */
interface Removed {
  readonly id: string;
  goOn(): void;
}

/** Videos that were removed together. */
interface Removal {
  /** They in words. */
  readonly what: string;
  readonly videos: readonly Removed[];
}

/** What can still be brought back, by the message that offers it. */
const undoable = new Map<number, Removal>();

/** Removes videos; for some seconds a message offers to undo it. */
export function remove(videos: readonly Video[]): void {
  if (videos.length === 0) return;
  const what = named(videos);
  const removed = videos.map(({ id }) => ({ id, goOn: holdUploadOf(id) }));
  removed.forEach(({ id }) => catalog.hide(id));
  const toast = showToast(`Deleted ${what}`, {
    action: { label: "Undo", run: () => bringBack(toast) },
    gone: () => void carryOut(toast),
  });
  undoable.set(toast, { what, videos: removed });
}

/** Undoes the last removal that can be undone, and tells whether there was one. */
export function undoRemoval(): boolean {
  const last = [...undoable.keys()].at(-1);
  if (last !== undefined) actOnToast(last);
  return last !== undefined;
}

function bringBack(toast: number): void {
  undoable.get(toast)?.videos.forEach(bringOneBack);
  undoable.delete(toast);
}

function bringOneBack({ id, goOn }: Removed): void {
  catalog.unhide(id);
  goOn();
}

async function carryOut(toast: number): Promise<void> {
  const removal = undoable.get(toast);
  if (!removal) return;
  undoable.delete(toast);
  const deletions = await Promise.allSettled(removal.videos.map(deleteOne));
  const failure = failureOf(removal.what, deletions, "deleted");
  if (failure) showToast(failure, { tone: "danger" });
}

async function deleteOne(removed: Removed): Promise<void> {
  const { id } = removed;
  try {
    await answer(api.DELETE("/api/v1/videos/{id}", { params: { path: { id } } }));
  } catch (error) {
    if (!isProblem(error, "/problems/not-found")) {
      bringOneBack(removed);
      throw error;
    }
  }
  catalog.forget(id);
  forgetUploadOf(id);
}

/** Who leaves the page meant it. */
addEventListener("pagehide", () => {
  const removed = [...undoable.values()].flatMap(({ videos }) => videos);
  undoable.clear();
  for (const { id } of removed) {
    void fetch(`/api/v1/videos/${id}`, { method: "DELETE", keepalive: true });
    forgetUploadOf(id);
  }
});
