/**
 * The uploads of this page, for all of its parts. {@link uploadOf} tells of one, {@link chooseFiles} begins some; `Uploader.svelte` shows
 * them and takes what is dropped or pasted.
 */
import { showToast } from "../ui/toasts.svelte";
import { keepAwake } from "./awake";
import { openChecksums } from "./checksums";
import { UploadEngine } from "./engine.svelte";
import {
  chooseFiles as pickFiles,
  chooseFolder as pickFolder,
  openAgain,
  unreadableInWords,
  type Intake,
} from "./intake";
import { openJournal } from "./journal";
import type { LocalUpload } from "./local-upload.svelte";
import { putPart } from "./put";
import { server } from "./server";
import { openTabs } from "./tabs";

export type { LocalUpload } from "./local-upload.svelte";
export type { UploadState } from "./state";

/** What sends. */
export const engine = new UploadEngine({
  server,
  put: putPart,
  checksum: openChecksums(),
  journal: openJournal(),
  tabs: openTabs(),
  keepAwake,
  openAgain,
});

/** Lets a person choose files, which are then uploaded. To be called from a click. */
export function chooseFiles(): void {
  void receive(pickFiles());
}

/** Lets a person choose a folder, the videos in which are then uploaded. To be called from a click. */
export function chooseFolder(): void {
  void receive(pickFolder());
}

/** Lets a person open the file of an interrupted upload again, which then goes on. To be called from a click. */
export async function chooseAgain(upload: LocalUpload): Promise<void> {
  if (upload.handle) return void engine.reopen(upload);
  const { given, unreadable } = await pickFiles();
  nameUnreadable(unreadable);
  // Others may have been chosen along that wait for the same.
  const awaited = given.filter(({ file }) =>
    engine.uploads.some((other) => other.state === "fileless" && other.isOf(file)),
  );
  await engine.add(awaited);
  const [other] = given;
  if (other && awaited.length === 0) {
    upload.message = `${other.file.name} is another file, or was changed since then.`;
  }
}

/** The upload that becomes this video, where this page knows of it. Reactive. */
export function uploadOf(videoId: string): LocalUpload | undefined {
  return engine.uploads.find((upload) => upload.videoId === videoId);
}

/** Lets the upload that becomes this video stand still, because the video may be deleted. Returns what lets it go on. */
export function holdUploadOf(videoId: string): () => void {
  const upload = uploadOf(videoId);
  return upload ? engine.hold(upload) : () => {};
}

/** Forgets the upload of a video that was deleted. */
export function forgetUploadOf(videoId: string): void {
  const upload = uploadOf(videoId);
  if (upload) engine.forget(upload);
}

/** Uploads what is given, and says what is not. */
export async function receive(intake: Promise<Intake>): Promise<void> {
  try {
    await take(await intake);
  } catch {
    showToast("The browser could not read what you gave. Choose the files again, without their folder.", {
      tone: "danger",
    });
  }
}

async function take({ given, leftOut, unreadable }: Intake): Promise<void> {
  nameUnreadable(unreadable);
  const already = await engine.add(given);
  if (already.length === 1) showToast(`${already[0]!.name} is being uploaded already.`);
  if (already.length > 1) showToast(`${already.length} of the files are being uploaded already.`);
  if (given.length === 0 && leftOut > 0) showToast("There is no video in this folder.");
  else if (leftOut === 1) showToast("One file in the folder is no video and was left out.");
  else if (leftOut > 1) showToast(`${leftOut} files in the folder are no videos and were left out.`);
}

function nameUnreadable(names: readonly string[]): void {
  if (names.length > 0) showToast(unreadableInWords(names), { tone: "danger" });
}
