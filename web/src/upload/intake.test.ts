import { afterEach, expect, test, vi } from "vitest";
import { chooseFiles, fromTransfer, unreadableInWords } from "./intake";

afterEach(() => vi.unstubAllGlobals());

const file = (name: string) => new File(["film"], name, { type: "video/mp4" });
const refuse = () => new DOMException("A requested file could not be found", "NotFoundError");

/** A handle of a file, or of one that is gone. */
const fileHandle = (name: string, isGone = false) => ({
  kind: "file",
  name,
  getFile: async () => (isGone ? Promise.reject(refuse()) : file(name)),
});

/** A handle of a folder, which may break off behind the last of `all`. */
const folderHandle = (name: string, all: object[], breaksOff = false) => ({
  kind: "directory",
  name,
  values: async function* () {
    yield* all;
    if (breaksOff) throw refuse();
  },
});

/** The entry of a file, or of one that is gone. */
const fileEntry = (name: string, isGone = false) => ({
  name,
  isDirectory: false,
  file: (found: (file: File) => void, failed: (error: unknown) => void) =>
    isGone ? failed(refuse()) : found(file(name)),
});

/** The entry of a folder, which tells what is in it in one batch, or nothing because it may not be opened. */
const folderEntry = (name: string, all: object[] | undefined) => ({
  name,
  isDirectory: true,
  createReader: () => {
    const batches = [all ?? [], []];
    return {
      readEntries: (found: (batch: unknown) => void, failed: (error: unknown) => void) =>
        all ? found(batches.shift()) : failed(refuse()),
    };
  },
});

/** What a drop of these items comes to, by the names of files. */
async function dropped(...items: { entry?: object; handle?: object; file?: File }[]) {
  const transfer = {
    items: items.map(({ entry, handle, file }) => ({
      kind: "file",
      getAsFile: () => file ?? null,
      webkitGetAsEntry: () => entry ?? null,
      ...(handle && { getAsFileSystemHandle: async () => handle }),
    })),
  };
  const { given, ...rest } = await fromTransfer(transfer as unknown as DataTransfer);
  return { given: given.map(({ file }) => file.name), ...rest };
}

test("of a folder that is dropped all is taken that can be read, and the rest is named", async () => {
  const handle = folderHandle("Camera", [
    fileHandle("two.mp4"),
    fileHandle("gone.mp4", true),
    folderHandle("Day 2", [fileHandle("three.mp4")], true),
    fileHandle("one.mp4"),
    { ...fileHandle("notes.txt"), getFile: async () => new File(["Harbour, wide"], "notes.txt") },
  ]);
  expect(await dropped({ handle }, { file: file("beside.mp4") })).toEqual({
    given: ["one.mp4", "three.mp4", "two.mp4", "beside.mp4"],
    leftOut: 1,
    unreadable: ["gone.mp4", "Day 2"],
  });
});

test("a browser without handles names it too", async () => {
  const entry = folderEntry("Camera", [
    fileEntry("gone.mp4", true),
    folderEntry("Day 2", undefined),
    fileEntry("one.mp4"),
  ]);
  expect(await dropped({ entry }, { file: file("beside.mp4") })).toEqual({
    given: ["one.mp4", "beside.mp4"],
    leftOut: 0,
    unreadable: ["gone.mp4", "Day 2"],
  });
});

test("of files that are chosen those go up that can be read", async () => {
  const handles = [fileHandle("gone.mp4", true), fileHandle("one.mp4")];
  vi.stubGlobal("window", { showOpenFilePicker: async () => handles });
  const { given, unreadable } = await chooseFiles();
  expect(given.map(({ file }) => file.name)).toEqual(["one.mp4"]);
  expect(unreadable).toEqual(["gone.mp4"]);
});

test("what could not be read is said by name, as far as there is room", () => {
  const say = (...names: string[]) => unreadableInWords(names).split(" could not be read.")[0];
  expect(unreadableInWords(["a.mp4"])).toBe(
    "a.mp4 could not be read. Check that it is still there and may be opened.",
  );
  expect(say("a.mp4", "b.mp4", "c.mp4")).toBe("a.mp4, b.mp4 and c.mp4");
  expect(say("a.mp4", "b.mp4", "c.mp4", "d.mp4", "e.mp4")).toBe("a.mp4, b.mp4, c.mp4 and 2 others");
});
