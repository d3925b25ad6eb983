// @vitest-environment jsdom
import { ErrorDetails, ErrorTypes, Events, PlaylistLevelType } from "hls.js";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { Engine } from "./engine";
import { startHlsJs } from "./hlsjs-engine";

/** What stands for hls.js: it notes what it is asked for, and a test says what happens to it. */
const fake = vi.hoisted(() => {
  class FakeHls {
    static isSupported = () => true;
    static last: FakeHls;
    levels = [{ width: 1280, height: 720, frameRate: 25, maxBitrate: 1e6, attrs: {} }];
    hasEnoughToStart = false;
    startPosition = -1;
    readonly startLoad = vi.fn((place: number) => (this.startPosition = place));
    /** As the real one: what it had is gone, and the element begins anew. */
    readonly recoverMediaError = vi.fn(() => {
      this.hasEnoughToStart = false;
      video.currentTime = 0;
    });
    readonly #listeners = new Map<string, (event: string, data: unknown) => void>();

    constructor() {
      FakeHls.last = this;
    }

    on(event: string, listener: (event: string, data: unknown) => void): void {
      this.#listeners.set(event, listener);
    }

    happen(event: string, data: unknown): void {
      this.#listeners.get(event)?.(event, data);
    }

    loadSource(): void {}
    attachMedia(): void {}
    destroy(): void {}
  }
  const video = { currentTime: 0 };
  return { FakeHls, video };
});

vi.mock("hls.js", async (original) => ({ ...(await original<object>()), default: fake.FakeHls }));
vi.mock("./caption-tracks", () => ({ admitCaptions: () => () => undefined }));

const START = 80;
const listener = { rungs: vi.fn(), shows: vi.fn(), reaches: vi.fn(), trouble: vi.fn() };
let engine: Engine | undefined;
let hls: InstanceType<typeof fake.FakeHls>;

beforeEach(() => {
  vi.useFakeTimers();
  vi.clearAllMocks();
  fake.video.currentTime = 0;
  const source = { url: "/master.m3u8", startAt: START, isEager: true, bandwidth: undefined };
  engine = startHlsJs(fake.video as HTMLVideoElement, source, listener);
  hls = fake.FakeHls.last;
  hls.happen(Events.MANIFEST_PARSED, {});
});

afterEach(() => {
  engine?.destroy();
  vi.useRealTimers();
});

function arrive(): void {
  hls.hasEnoughToStart = true;
  hls.happen(Events.FRAG_BUFFERED, { frag: { type: PlaylistLevelType.MAIN, level: 0 } });
}

function failNetwork(code: number): void {
  hls.happen(Events.ERROR, { fatal: true, type: ErrorTypes.NETWORK_ERROR, response: { code } });
}

function failDecoding(): void {
  const details = ErrorDetails.BUFFER_APPEND_ERROR;
  hls.happen(Events.ERROR, { fatal: true, type: ErrorTypes.MEDIA_ERROR, details });
}

it("begins where it was to begin, however often that fails", async () => {
  failNetwork(503);
  await vi.advanceTimersByTimeAsync(1000);
  dispatchEvent(new Event("online"));
  expect(hls.startLoad.mock.calls).toEqual([[START], [START], [START]]);
});

it("goes on where it is", () => {
  arrive();
  fake.video.currentTime = 95;
  dispatchEvent(new Event("online"));
  expect(hls.startLoad).toHaveBeenLastCalledWith(95);
});

it("goes on where it was when the decoder is reset, though the network fails then", async () => {
  arrive();
  fake.video.currentTime = 95;
  failDecoding();
  expect(hls.recoverMediaError).toHaveBeenCalled();
  expect(hls.startLoad).toHaveBeenLastCalledWith(95);
  failNetwork(503);
  await vi.advanceTimersByTimeAsync(1000);
  expect(hls.startLoad).toHaveBeenLastCalledWith(95);
});

it.each([
  ["connection", () => failNetwork(503)],
  ["gone", () => failNetwork(404)],
  ["broken", () => [1, 2, 3].forEach(failDecoding)],
])("tells that all is well again after %j", (trouble, fail) => {
  fail();
  expect(listener.trouble).toHaveBeenLastCalledWith(trouble);
  dispatchEvent(new Event("online"));
  expect(listener.trouble, "nobody knows yet").toHaveBeenLastCalledWith(trouble);
  arrive();
  expect(listener.trouble).toHaveBeenLastCalledWith(undefined);
});

it("tells anew what fails again after somebody had it tried", () => {
  failNetwork(404);
  engine?.retry();
  listener.trouble.mockClear();
  failNetwork(404);
  expect(listener.trouble).toHaveBeenCalledWith("gone");
});
