/** Files out of drops, pastes and pickers, with a handle that opens them again where the browser has such. */
import { looksLikeVideo } from "./candidates";

/** A file that the user gave. */
export interface Given {
  readonly file: File;
  readonly handle?: FileSystemFileHandle | undefined;
}

/** What a drop, a paste or a choice came to. */
export interface Intake {
  readonly given: readonly Given[];
  /** Files in folders that do not look like videos, and were not taken. */
  readonly leftOut: number;
}

const NOTHING: Intake = { given: [], leftOut: 0 };

/** Whether something that is dragged over the page holds files. */
export function holdsFiles(transfer: DataTransfer | null): transfer is DataTransfer {
  return transfer?.types.includes("Files") ?? false;
}

/** Takes files and folders out of a drop or a paste. */
export async function fromTransfer(transfer: DataTransfer): Promise<Intake> {
  // A transfer is emptied as soon as its event is over, so everything is asked of it before the first `await`.
  const items = [...transfer.items]
    .filter((item) => item.kind === "file")
    .map((item) => ({
      file: item.getAsFile(),
      entry: item.webkitGetAsEntry(),
      handle: item.getAsFileSystemHandle?.().catch(() => null),
    }));
  return merge(
    await Promise.all(
      items.map(async ({ file, entry, handle }) => fromItem(file, entry, (await handle) ?? null)),
    ),
  );
}

async function fromItem(
  file: File | null,
  entry: FileSystemEntry | null,
  handle: FileSystemHandle | null,
): Promise<Intake> {
  if (isDirectoryHandle(handle)) return videosIn(filesIn(handle));
  if (entry?.isDirectory) return videosIn(filesInEntry(entry as FileSystemDirectoryEntry));
  if (!file) return NOTHING;
  return { given: [{ file, handle: isFileHandle(handle) ? handle : undefined }], leftOut: 0 };
}

/** Lets the user choose files. Nothing comes of a picker that is closed. */
export async function chooseFiles(): Promise<Intake> {
  if (!window.showOpenFilePicker) return fromInput({ folder: false });
  const handles = await window.showOpenFilePicker({ multiple: true, id: "streamforge" }).catch(unlessClosed);
  const given = await Promise.all(
    (handles ?? []).map(async (handle) => ({ file: await handle.getFile(), handle })),
  );
  return { given, leftOut: 0 };
}

/** Lets the user choose a folder. */
export async function chooseFolder(): Promise<Intake> {
  if (!window.showDirectoryPicker) return fromInput({ folder: true });
  const folder = await window.showDirectoryPicker({ mode: "read", id: "streamforge" }).catch(unlessClosed);
  return folder ? videosIn(filesIn(folder)) : NOTHING;
}

function unlessClosed(error: unknown): undefined {
  if (error instanceof DOMException && error.name === "AbortError") return;
  throw error;
}

/** The picker that every browser has. It gives no handles. */
function fromInput({ folder }: { folder: boolean }): Promise<Intake> {
  const input = document.createElement("input");
  input.type = "file";
  input.multiple = true;
  input.webkitdirectory = folder;
  input.hidden = true;
  // A phone then offers its videos, a computer would hide those that it knows no type for.
  if (matchMedia("(pointer: coarse)").matches) input.accept = "video/*";
  // Safari forgets what is not part of the page.
  document.body.append(input);
  return new Promise<Intake>((resolve) => {
    input.addEventListener("cancel", () => resolve(NOTHING));
    input.addEventListener("change", () => {
      const given = [...(input.files ?? [])].map((file) => ({ file }));
      resolve(folder ? onlyVideos(given) : { given, leftOut: 0 });
    });
    input.click();
  }).finally(() => input.remove());
}

/** Opens a file again that was chosen in an earlier visit. Asks the user first where the browser wants that: then it must follow a click. */
export async function openAgain(
  handle: FileSystemFileHandle,
  { mayAsk }: { mayAsk: boolean },
): Promise<File | null> {
  const mode = { mode: "read" } as const;
  let permission = (await handle.queryPermission?.(mode)) ?? "granted";
  if (permission === "prompt" && mayAsk) permission = (await handle.requestPermission?.(mode)) ?? permission;
  return permission === "granted" ? handle.getFile() : null;
}

async function videosIn(files: AsyncIterable<Given>): Promise<Intake> {
  const all: Given[] = [];
  for await (const given of files) all.push(given);
  return onlyVideos(
    all.sort((one, other) => one.file.name.localeCompare(other.file.name, undefined, { numeric: true })),
  );
}

function onlyVideos(all: readonly Given[]): Intake {
  const given = all.filter(({ file }) => looksLikeVideo(file));
  return { given, leftOut: all.length - given.length };
}

function merge(intakes: readonly Intake[]): Intake {
  return {
    given: intakes.flatMap(({ given }) => given),
    leftOut: intakes.reduce((sum, { leftOut }) => sum + leftOut, 0),
  };
}

async function* filesIn(folder: FileSystemDirectoryHandle): AsyncGenerator<Given> {
  for await (const handle of folder.values()) {
    if (isDirectoryHandle(handle)) yield* filesIn(handle);
    else if (isFileHandle(handle)) yield { file: await handle.getFile(), handle };
  }
}

async function* filesInEntry(folder: FileSystemDirectoryEntry): AsyncGenerator<Given> {
  const reader = folder.createReader();
  for (;;) {
    // A hundred at a time; an empty batch is the end.
    const batch = await new Promise<FileSystemEntry[]>((resolve, reject) =>
      reader.readEntries(resolve, reject),
    );
    if (batch.length === 0) return;
    for (const entry of batch) {
      if (entry.isDirectory) yield* filesInEntry(entry as FileSystemDirectoryEntry);
      else
        yield {
          file: await new Promise<File>((resolve, reject) =>
            (entry as FileSystemFileEntry).file(resolve, reject),
          ),
        };
    }
  }
}

function isDirectoryHandle(handle: FileSystemHandle | null): handle is FileSystemDirectoryHandle {
  return handle?.kind === "directory";
}

function isFileHandle(handle: FileSystemHandle | null): handle is FileSystemFileHandle {
  return handle?.kind === "file";
}
