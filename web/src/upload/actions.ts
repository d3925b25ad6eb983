/** What a user can do to an upload: how it is called, and what does it. */
import type { IconName } from "../ui/icons";
import type { UploadAction } from "./state";
import { chooseAgain, engine, type LocalUpload } from "./uploads.svelte";

/** A button. */
export interface Command {
  readonly label: string;
  /** Shown instead of the label, where it is understood without. */
  readonly icon?: IconName;
  run(upload: LocalUpload): void;
}

/** The button of each action. */
export const COMMANDS: Readonly<Record<UploadAction, Command>> = {
  pause: { label: "Pause", icon: "pause", run: (upload) => engine.pause(upload) },
  resume: { label: "Resume", icon: "play", run: (upload) => engine.resume(upload) },
  retry: { label: "Try again", run: (upload) => engine.resume(upload) },
  continue: { label: "Continue", run: (upload) => void engine.reopen(upload) },
  choose: { label: "Choose file", run: (upload) => void chooseAgain(upload) },
  cancel: { label: "Cancel", icon: "close", run: (upload) => engine.cancel(upload) },
  undo: { label: "Undo", run: (upload) => engine.undo(upload) },
  dismiss: { label: "Dismiss", icon: "close", run: (upload) => engine.dismiss(upload) },
};
