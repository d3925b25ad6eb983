/** A file that this page is sending. */
export interface LocalUpload {
  videoId: string;
  state: "waiting" | "sending" | "paused" | "completing" | "failed";
  sentBytes: number;
  sizeBytes: number;
  /** None until there is something to go by. */
  etaSecs: number | undefined;
}

/** Lets a person choose files, which are then uploaded. */
export function chooseFiles(): void {}

/** The upload that becomes this video, when this page is sending it. Reactive. */
export function uploadOf(_videoId: string): LocalUpload | undefined {
  return undefined;
}
