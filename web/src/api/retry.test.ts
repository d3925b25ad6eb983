import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { backoff, pause, retryAfter, retrying, timing } from "./retry";

const noPause = async () => {};
const call = () => new Request("http://service/api", { method: "POST", body: "{}" });

describe("a call", () => {
  it("is sent again with its body after an answer that may pass", async () => {
    const bodies: string[] = [];
    const send = retrying(async (request) => {
      bodies.push(await request.text());
      return new Response(null, { status: bodies.length < 3 ? 503 : 200 });
    }, noPause);
    expect((await send(call())).status).toBe(200);
    expect(bodies).toEqual(["{}", "{}", "{}"]);
  });

  it("is sent again after none", async () => {
    let sent = 0;
    const send = retrying(async () => {
      sent += 1;
      if (sent === 1) throw new TypeError("connection refused");
      return new Response();
    }, noPause);
    expect((await send(call())).ok).toBe(true);
  });

  it("is not sent again when the service refuses", async () => {
    let sent = 0;
    const send = retrying(async () => {
      sent += 1;
      return new Response(null, { status: 422 });
    }, noPause);
    expect((await send(call())).status).toBe(422);
    expect(sent).toBe(1);
  });

  it("is given up in the end", async () => {
    let sent = 0;
    const send = retrying(async () => {
      sent += 1;
      throw new TypeError("connection refused");
    }, noPause);
    await expect(send(call())).rejects.toThrow("connection refused");
    expect(sent).toBe(5);
  });

  it("ends at once when it is aborted while it waits", async () => {
    const stop = new AbortController();
    const send = retrying(async () => new Response(null, { status: 503 }));
    const sent = send(new Request("http://service/api", { signal: stop.signal }));
    stop.abort();
    await expect(sent).rejects.toThrow(/abort/i);
  });

  it("waits as long as the service asks", async () => {
    const waits: number[] = [];
    const answers = [new Response(null, { status: 429, headers: { "retry-after": "2" } }), new Response()];
    const send = retrying(
      async () => answers.shift() ?? Response.error(),
      async (milliseconds) => void waits.push(milliseconds),
    );
    await send(call());
    expect(waits).toEqual([2000]);
  });
});

describe("a call that gets no answer", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  /** Answers nothing for ever, as a connection does that broke off without a word. */
  const silence = (_: Request, signal: AbortSignal) =>
    new Promise<Response>((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));

  it("is sent again on another connection", async () => {
    let sent = 0;
    const send = retrying(
      timing(async (request, signal) => (++sent === 1 ? silence(request, signal) : new Response())),
      noPause,
    );
    const answered = send(call());
    await vi.advanceTimersByTimeAsync(30_000);
    expect((await answered).ok).toBe(true);
  });

  it("is given up after a minute, not after many", async () => {
    const given = expect(retrying(timing(silence), noPause)(call())).rejects.toThrow("no answer in time");
    await vi.advanceTimersByTimeAsync(60_000);
    await given;
  });

  it("has no longer for its body", async () => {
    let signal!: AbortSignal;
    await timing(async (_, given) => {
      signal = given;
      return new Response();
    })(call());
    await vi.advanceTimersByTimeAsync(29_000);
    expect(signal.aborted).toBe(false);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(signal.aborted).toBe(true);
  });

  it("ends at once when nobody wants it any more", async () => {
    const stop = new AbortController();
    const sent = timing(silence)(new Request("http://service/api", { signal: stop.signal }));
    stop.abort();
    await expect(sent).rejects.toThrow(/abort/i);
  });
});

describe("pauses", () => {
  it("double, up to a limit, and are never the same for all", () => {
    expect([1, 2, 3, 4].map((attempt) => backoff(attempt, () => 1))).toEqual([300, 600, 1200, 2400]);
    expect(backoff(30, () => 1)).toBe(10_000);
    expect(backoff(1, () => 0)).toBe(150);
  });

  it("are not what an unreadable header says", () => {
    expect(retryAfter(new Headers({ "retry-after": "soon" }))).toBeUndefined();
  });

  it("are over when they are aborted", async () => {
    await expect(pause(60_000, AbortSignal.abort())).rejects.toThrow();
  });
});
