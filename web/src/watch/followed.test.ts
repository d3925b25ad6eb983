// @vitest-environment jsdom
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { Video } from "../api/client";
import { Problem, Unreachable } from "../api/errors";
import type { StreamListener } from "../api/events";
import { setOut } from "./ahead";
import { video } from "./fixtures";
import { FollowedVideo } from "./followed.svelte";

/** What the service answers to the question for the video; `stopFollowing` is called for each stream of its events that is left. */
const service = vi.hoisted(() => ({
  answer: vi.fn<() => Promise<unknown>>(),
  asked: [] as (AbortSignal | undefined)[],
  stream: undefined as StreamListener | undefined,
  stopFollowing: vi.fn<() => void>(),
}));

vi.mock("../api/client", () => ({
  api: {
    GET: (_: string, { signal }: { signal?: AbortSignal }) => {
      service.asked.push(signal);
      return service.answer();
    },
  },
  answer: (call: Promise<unknown>) => call,
}));

vi.mock("./load", () => ({ loadPlayer: () => Promise.resolve() }));

vi.mock("../api/events", () => ({
  follow: (_: string, listener: StreamListener) => {
    service.stream = listener;
    return service.stopFollowing;
  },
}));

let opened: FollowedVideo[] = [];

function open(id: string): FollowedVideo {
  const followed = new FollowedVideo(id);
  opened.push(followed);
  return followed;
}

const processing = (): Video => video({ status: "processing" });
const settle = () => vi.advanceTimersByTimeAsync(0);

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("addEventListener", vi.fn());
  service.answer.mockReset();
  service.asked = [];
  service.stream = undefined;
  service.stopFollowing.mockReset();
});

afterEach(() => {
  for (const followed of opened) followed.stop();
  opened = [];
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

it("is asked for once, ahead of its page", async () => {
  service.answer.mockImplementation(async () => processing());
  setOut("A");
  const followed = open("A");
  await settle();
  expect(followed.standing.is).toBe("known");
  expect(service.answer).toHaveBeenCalledTimes(1);
  await followed.refresh();
  expect(service.answer, "what is true now is asked anew").toHaveBeenCalledTimes(2);

  setOut("B");
  open("A");
  await settle();
  expect(service.answer, "another video's does not count").toHaveBeenCalledTimes(4);
});

it("is followed until the page is left", async () => {
  service.answer.mockImplementation(async () => processing());
  const followed = open("A");
  await settle();
  expect(followed.standing).toMatchObject({ is: "known", video: { status: "processing" } });
  service.stream?.event({ name: "video", data: JSON.stringify(video({ revision: 9, status: "ready" })) });
  expect(followed.standing).toMatchObject({ video: { status: "ready" } });
  followed.stop();
  expect(service.stopFollowing).toHaveBeenCalled();
});

it("is not followed by a page that nobody has looked at for long", async () => {
  const look = (isSeen: boolean) => {
    vi.spyOn(document, "hidden", "get").mockReturnValue(!isSeen);
    document.dispatchEvent(new Event("visibilitychange"));
  };
  service.answer.mockImplementation(async () => processing());
  const followed = open("A");
  await settle();
  look(false);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(service.stopFollowing).toHaveBeenCalledTimes(1);
  service.stream = undefined;
  look(true);
  expect(service.stream).toBeDefined();
  followed.stop();
  expect(service.stopFollowing).toHaveBeenCalledTimes(2);
});

it("is not followed by a page that was left before the service answered", async () => {
  let tell = (_: Video) => {};
  service.answer.mockImplementation(() => new Promise((resolve) => (tell = resolve)));
  const followed = open("A");
  followed.stop();
  expect(service.asked[0]?.aborted).toBe(true);
  tell(processing());
  await settle();
  expect(service.stream).toBeUndefined();
});

it("is not asked for again by a page that was left", async () => {
  let fail = (_: Error) => {};
  service.answer.mockImplementation(() => new Promise((_, reject) => (fail = reject)));
  const followed = open("A");
  followed.stop();
  fail(new Unreachable());
  await vi.advanceTimersByTimeAsync(60_000);
  expect(service.answer).toHaveBeenCalledTimes(1);
});

it("is asked for again while the service cannot be reached", async () => {
  service.answer.mockImplementationOnce(() => Promise.reject(new Unreachable()));
  service.answer.mockImplementation(async () => processing());
  const followed = open("A");
  await settle();
  expect(followed.standing.is).toBe("unreachable");
  await vi.advanceTimersByTimeAsync(10_000);
  expect(followed.standing.is).toBe("known");
});

it("that was deleted while the stream was broken is known to be", async () => {
  service.answer.mockImplementationOnce(async () => processing());
  const gone = new Problem("/problems/not-found", 404, "there is no such video");
  service.answer.mockImplementation(() => Promise.reject(gone));
  const followed = open("A");
  await settle();
  service.stream?.state?.("ended");
  await settle();
  expect(followed.standing).toEqual({ is: "deleted" });
});

it("that is ready when the stream ends is not asked for again", async () => {
  service.answer.mockImplementation(async () => processing());
  open("A");
  await settle();
  service.stream?.event({ name: "video", data: JSON.stringify(video({ revision: 9, status: "ready" })) });
  service.stream?.state?.("ended");
  await settle();
  expect(service.answer).toHaveBeenCalledTimes(1);
});
