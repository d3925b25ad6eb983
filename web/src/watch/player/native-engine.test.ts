// @vitest-environment jsdom
import { expect, it, vi } from "vitest";
import { startNative } from "./native-engine";

vi.stubGlobal("MediaError", { MEDIA_ERR_NETWORK: 2, MEDIA_ERR_DECODE: 3, MEDIA_ERR_SRC_NOT_SUPPORTED: 4 });

/** What is told of an element that fails. */
function troubleOf(code: number, readyState: number): unknown {
  const video = document.createElement("video");
  const state = { canPlayType: () => "maybe", load: () => undefined, error: { code }, readyState };
  for (const [name, value] of Object.entries(state)) Object.defineProperty(video, name, { value });
  const listener = { rungs: vi.fn(), shows: vi.fn(), reaches: vi.fn(), trouble: vi.fn() };
  const source = { url: "/master.m3u8", startAt: 0, isEager: true, bandwidth: undefined };
  const engine = startNative(video, source, listener);
  // A decoder is reset twice before anything is said.
  for (let time = 0; time < 3; time += 1) video.dispatchEvent(new Event("error"));
  engine?.destroy();
  return listener.trouble.mock.lastCall?.[0];
}

it.each([
  ["a connection that breaks", 2, HTMLMediaElement.HAVE_ENOUGH_DATA, "connection"],
  ["a playlist that does not come", 4, HTMLMediaElement.HAVE_NOTHING, "connection"],
  ["what cannot be decoded", 3, HTMLMediaElement.HAVE_METADATA, "broken"],
])("takes %s for what it is", (_, code, readyState, trouble) => {
  expect(troubleOf(code, readyState)).toBe(trouble);
});
