import { afterEach, expect, test, vi } from "vitest";
import { openTabs } from "./tabs";

afterEach(() => vi.unstubAllGlobals());

const refused = () => new DOMException("Storage is forbidden", "SecurityError");

test("a browser that keeps nothing sends all the same", async () => {
  vi.stubGlobal(
    "BroadcastChannel",
    class {
      constructor() {
        throw refused();
      }
    },
  );
  vi.stubGlobal("navigator", { locks: { request: () => Promise.reject(refused()) } });
  const tabs = openTabs();
  tabs.listen(() => {});
  tabs.tell({ fingerprint: "film", is: "sending", sentBytes: 0 });
  const release = await tabs.claim("film");
  expect(release).toBeTypeOf("function");
  release?.();
});

test("who does not wait any more for another tab gets nothing", async () => {
  const aborted = new DOMException("It was aborted", "AbortError");
  vi.stubGlobal("navigator", { locks: { request: () => Promise.reject(aborted) } });
  await expect(openTabs().claimLater("film", AbortSignal.abort())).rejects.toThrow("aborted");
});
