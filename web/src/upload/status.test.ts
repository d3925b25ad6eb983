import { describe, expect, test } from "vitest";
import type { Video } from "../api/client";
import { statusOf, type Told } from "./status";

const upload: Told = {
  state: "sending",
  sizeBytes: 4_800_000_000,
  sentBytes: 1_200_000_000,
  share: 0.25,
  speed: undefined,
  etaSecs: undefined,
  message: undefined,
  there: undefined,
  handle: undefined,
};

const say = (told: Partial<Told>, video?: Partial<Video>) =>
  statusOf({ ...upload, ...told }, video as Video | undefined).text;

describe("a row says", () => {
  test("how far it is, how fast and how long, as far as that is known", () => {
    expect(say({})).toBe("1.2 of 4.8 GB");
    expect(say({ sentBytes: 3_000_000 })).toBe("3.0 MB of 4.8 GB");
    expect(say({ speed: 12_300_000, etaSecs: 290 })).toBe("1.2 of 4.8 GB · 12.3 MB/s · 5 min left");
    expect(say({ speed: 0 })).toBe("1.2 of 4.8 GB");
    expect(say({ sentBytes: 0, speed: 0 })).toBe("4.8 GB, starting");
  });

  test("what it waits for", () => {
    expect(say({ state: "waiting", sentBytes: 0 })).toBe("4.8 GB, waiting");
    expect(say({ state: "paused" })).toBe("Paused at 25 %");
    expect(say({ state: "completing" })).toBe("Checking what arrived");
    expect(say({ state: "elsewhere" })).toBe("Another tab is sending it, 25 %");
  });

  test("how it stands in another tab", () => {
    const elsewhere = { state: "elsewhere" } as const;
    expect(say({ ...elsewhere, there: "sending" })).toBe("Another tab is sending it, 25 %");
    expect(say({ ...elsewhere, there: "paused" })).toMatch(/^Paused in another tab, 25 %/);
    expect(say({ ...elsewhere, there: "failed" })).toMatch(/^Failed in another tab/);
    expect(say({ ...elsewhere, there: "fileless" })).toMatch(/Drop the file here/);
    expect(say({ ...elsewhere, there: "cancelled" })).toBe("Cancelled in another tab");
  });

  test("what the user is to do", () => {
    expect(say({ state: "fileless" })).toBe("Interrupted at 25 %. Choose the file again to send the rest.");
    expect(say({ state: "fileless", handle: {} })).toBe("Interrupted at 25 %. Continue to send the rest.");
    expect(say({ state: "fileless", sentBytes: 0, share: 0, message: "It expired." })).toBe(
      "It expired. Choose the file again to send it.",
    );
    const changed = { state: "fileless", message: "The file was changed, moved or deleted." } as const;
    expect(say(changed)).toBe(
      "The file was changed, moved or deleted. Choose the file again to send the rest.",
    );
    expect(say({ state: "failed", message: "So it is." })).toBe("So it is.");
  });

  test("what became of it", () => {
    const done = { state: "done" } as const;
    expect(say(done)).toBe("Uploaded");
    expect(say(done, { status: "processing", playable: false })).toBe("Uploaded, being processed");
    expect(say(done, { status: "processing", playable: true })).toBe("Uploaded, plays already");
    expect(say(done, { status: "ready", playable: true })).toBe("Ready");
    const failure = { code: "not_video", message: "this is not a video", retryable: false };
    expect(say(done, { status: "failed", failure })).toBe("This is not a video.");
  });
});
