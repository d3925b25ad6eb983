/** Files out of drops, pastes and pickers, with a handle that opens them again where the browser has such. */
import { plural } from "../ui/words";
import { looksLikeVideo } from "./candidates";

/** A file that the user gave. */
export interface Given {
  readonly file: File;
  readonly handle?: FileSystemFileHandle | undefined;
}

/** A file, or the name of what could not be read. */
type Found = Given | string;

/** What a drop, a paste or a choice came to. */
export interface Intake {
  readonly given: readonly Given[];
  /** Files in folders that do not look like videos, and were not taken. */
  readonly leftOut: number;
  /** Names of files and folders that the browser could not read: they are gone, or may not be opened. */
  readonly unreadable: readonly string[];
}

const NOTHING: Intake = { given: [], leftOut: 0, unreadable: [] };

/** How many names a message has room for. */
const MOST_NAMED = 3;

const list = new Intl.ListFormat("en-GB");

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
  return intakeOf([{ file, handle: isFileHandle(handle) ? handle : undefined }]);
}

/** Lets the user choose files. Nothing comes of a picker that is closed. */
export async function chooseFiles(): Promise<Intake> {
  if (!window.showOpenFilePicker) return fromInput({ folder: false });
  const handles = await window.showOpenFilePicker({ multiple: true, id: "streamforge" }).catch(unlessClosed);
  return intakeOf(await Promise.all((handles ?? []).map(opened)));
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
      const chosen = intakeOf([...(input.files ?? [])].map((file) => ({ file })));
      resolve(folder ? onlyVideos(chosen) : chosen);
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

/** What to say of what could not be read. */
export function unreadableInWords(names: readonly string[]): string {
  const others = names.length - MOST_NAMED;
  const all = list.format(others > 0 ? [...names.slice(0, MOST_NAMED), plural(others, "other")] : names);
  return `${all} could not be read. Check that ${names.length === 1 ? "it is" : "they are"} still there and may be opened.`;
}

async function videosIn(folder: AsyncIterable<Found>): Promise<Intake> {
  const found: Found[] = [];
  for await (const one of folder) found.push(one);
  const { given, ...rest } = onlyVideos(intakeOf(found));
  const inOrder = given.toSorted((one, other) =>
    one.file.name.localeCompare(other.file.name, undefined, { numeric: true }),
  );
  return { ...rest, given: inOrder };
}

function intakeOf(found: readonly Found[]): Intake {
  return {
    given: found.filter((one) => typeof one !== "string"),
    leftOut: 0,
    unreadable: found.filter((one) => typeof one === "string"),
  };
}

function onlyVideos(intake: Intake): Intake {
  const given = intake.given.filter(({ file }) => looksLikeVideo(file));
  return { ...intake, given, leftOut: intake.given.length - given.length };
}

function merge(intakes: readonly Intake[]): Intake {
  return {
    given: intakes.flatMap(({ given }) => given),
    leftOut: intakes.reduce((sum, { leftOut }) => sum + leftOut, 0),
    unreadable: intakes.flatMap(({ unreadable }) => unreadable),
  };
}

async function* filesIn(folder: FileSystemDirectoryHandle): AsyncGenerator<Found> {
  try {
    for await (const handle of folder.values()) {
      if (isDirectoryHandle(handle)) yield* filesIn(handle);
      else if (isFileHandle(handle)) yield await opened(handle);
    }
  } catch {
    yield folder.name;
  }
}

function opened(handle: FileSystemFileHandle): Promise<Found> {
  return handle.getFile().then(
    (file) => ({ file, handle }),
    () => handle.name,
  );
}

async function* filesInEntry(folder: FileSystemDirectoryEntry): AsyncGenerator<Found> {
  const reader = folder.createReader();
  for (;;) {
    // A hundred at a time; an empty batch is the end.
    const batch = await new Promise<FileSystemEntry[] | null>((resolve) =>
      reader.readEntries(resolve, () => resolve(null)),
    );
    if (!batch) yield folder.name;
    if (!batch?.length) return;
    for (const entry of batch) {
      if (entry.isDirectory) yield* filesInEntry(entry as FileSystemDirectoryEntry);
      else yield await openedEntry(entry as FileSystemFileEntry);
    }
  }
}

function openedEntry(entry: FileSystemFileEntry): Promise<Found> {
  return new Promise((resolve) =>
    entry.file(
      (file) => resolve({ file }),
      () => resolve(entry.name),
    ),
  );
}

function isDirectoryHandle(handle: FileSystemHandle | null): handle is FileSystemDirectoryHandle {
  return handle?.kind === "directory";
}

function isFileHandle(handle: FileSystemHandle | null): handle is FileSystemFileHandle {
  return handle?.kind === "file";
}
