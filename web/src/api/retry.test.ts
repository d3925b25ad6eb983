import { describe, expect, it } from "vitest";
import { backoff, pause, retryAfter, retrying } from "./retry";

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
