import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { PartUrl, Upload } from "../api/client";
import { Problem, Unreachable, type ProblemType } from "../api/errors";
import { FileUnreadable, ReaderFailed } from "./checksums";
import { UploadEngine, type Equipment } from "./engine.svelte";
import type { Entry, Journal } from "./journal";
import { ConnectionLost } from "./put";
import type { News, Tabs } from "./tabs";

const PART = 10;

/** The service and its storage, in memory. */
class Service {
  readonly uploads = new Map<string, { file: Entry; parts: Map<number, string>; status: Upload["status"] }>();
  /** Parts in the order in which they arrived. */
  readonly received: string[] = [];
  atATime = { now: 0, most: 0 };
  /** What happens to the next requests to the storage; then all is well. */
  storageSays: (number | "lost")[] = [];
  /** What the next calls of the API end in. */
  fails: Error[] = [];
  completing = 0;
  abandoned: string[] = [];
  /** What the answers to the next announcements wait for. */
  announcing: Promise<void> | undefined;
  /** What the next questions wait for. */
  looking: Promise<void> | undefined;
  /** What the next deletions wait for. */
  abandoning: Promise<void> | undefined;
  signed = 0;
  /** Time that a part takes. */
  partMs = 100;

  view(id: string): Upload {
    const upload = this.uploads.get(id);
    if (!upload) throw problem("/problems/not-found", 404);
    const parts = Math.max(1, Math.ceil(upload.file.size / PART));
    const missing = Array.from({ length: parts }, (_, index) => index + 1).filter(
      (part) => !upload.parts.has(part),
    );
    return {
      id,
      video_id: `video of ${id}`,
      status: upload.status,
      size_bytes: upload.file.size,
      part_size_bytes: PART,
      parts,
      missing_parts: upload.status === "open" ? missing : [],
      expires_at: "",
      part_urls: [],
    };
  }

  readonly server: Equipment["server"] = {
    announce: async (file) => {
      this.#fail();
      for (const [id, upload] of this.uploads)
        if (upload.file.fingerprint === file.fingerprint && upload.status === "open") return this.view(id);
      if (file.size === 0) throw problem("/problems/empty", 422);
      const id = `upload ${this.uploads.size + 1}`;
      this.uploads.set(id, { file, parts: new Map(), status: "open" });
      await this.announcing;
      return this.view(id);
    },
    look: async (id) => {
      await this.looking;
      this.#fail();
      return this.view(id);
    },
    sign: async (id, part, checksum): Promise<PartUrl> => {
      this.#fail();
      this.signed += 1;
      return {
        part_number: part,
        size_bytes: 0,
        url: `${id}/${part}`,
        headers: { checksum },
        expires_at: "",
      };
    },
    complete: async (id, checksums) => {
      this.#fail();
      const upload = this.uploads.get(id);
      if (!upload) throw problem("/problems/not-found", 404);
      const wrong = [...checksums]
        .filter(([part, checksum]) => upload.parts.get(part) !== checksum)
        .map(([part]) => part);
      if (wrong.length > 0) throw problem("/problems/upload-incomplete", 409, wrong.slice(0, 1));
      upload.status = this.completing-- > 0 ? "completing" : "completed";
      return this.view(id);
    },
    abandon: async (id) => {
      await this.abandoning;
      this.#fail();
      this.abandoned.push(id);
      this.uploads.delete(id);
    },
  };

  readonly put: Equipment["put"] = async ({ url, headers }, part, onSent, signal) => {
    const says = this.storageSays.shift() ?? 200;
    if (says === "lost") throw new ConnectionLost("storage:81");
    this.atATime.most = Math.max(this.atATime.most, ++this.atATime.now);
    onSent(part.size / 2);
    await new Promise((resolve) => setTimeout(resolve, this.partMs));
    this.atATime.now -= 1;
    signal.throwIfAborted();
    onSent(part.size);
    if (says !== 200) return { status: says, body: "" };
    const [id = "", number = ""] = url.split("/");
    const upload = this.uploads.get(id);
    if (!upload) return { status: 404, body: "" };
    upload.parts.set(Number(number), headers.checksum ?? "");
    this.received.push(url);
    return { status: 200, body: "" };
  };

  #fail(): void {
    const failure = this.fails.shift();
    if (failure) throw failure;
  }
}

function problem(type: ProblemType, status: number, parts: number[] = []): Problem {
  return new Problem(type, status, "it is so", parts);
}

/** A journal in memory, as two visits share it. */
function memory(): Journal & { entries: Map<string, Entry> } {
  const entries = new Map<string, Entry>();
  return {
    entries,
    all: async () => [...entries.values()],
    one: async (fingerprint) => entries.get(fingerprint),
    write: async (entry) => void entries.set(entry.fingerprint, entry),
    remove: async (fingerprint) => void entries.delete(fingerprint),
  };
}

/** Tabs of one browser. */
class Browser {
  readonly #held = new Map<string, (() => void)[]>();
  readonly #listeners: ((news: News) => void)[] = [];

  tab(): Tabs {
    let own: ((news: News) => void) | undefined;
    const held = this.#held;
    const release = (fingerprint: string) => () => {
      const next = held.get(fingerprint)?.shift();
      if (next) next();
      else held.delete(fingerprint);
    };
    return {
      claim: async (fingerprint) => {
        if (held.has(fingerprint)) return null;
        held.set(fingerprint, []);
        return release(fingerprint);
      },
      claimLater: (fingerprint) =>
        new Promise((resolve) => void held.get(fingerprint)?.push(() => resolve(release(fingerprint)))),
      tell: (news) =>
        this.#listeners.filter((listener) => listener !== own).forEach((listener) => listener(news)),
      listen: (heard) => void this.#listeners.push((own = heard)),
    };
  }
}

const checksum = async (part: Blob) => `crc of ${await part.text()}`;

const file = (name: string, size: number, letter = "a") =>
  new File([letter.repeat(size)], name, { lastModified: 1, type: "video/mp4" });

let service: Service;
let journal: ReturnType<typeof memory>;
let browser: Browser;
let awake: boolean;

beforeEach(() => {
  vi.useFakeTimers();
  service = new Service();
  journal = memory();
  browser = new Browser();
  awake = false;
});

afterEach(() => vi.useRealTimers());

function open(equipment: Partial<Equipment> = {}): UploadEngine {
  return new UploadEngine({
    server: service.server,
    put: service.put,
    checksum,
    journal,
    tabs: browser.tab(),
    keepAwake: (sending) => (awake = sending),
    openAgain: async () => null,
    ...equipment,
  });
}

/** Lets what is on its way arrive, and does nothing more, as a page does that is closed. */
function close(engine: UploadEngine): void {
  engine.connection.limit = () => 0;
}

async function openWith(...files: File[]) {
  const engine = open();
  await engine.add(files.map((file) => ({ file })));
  return { engine, upload: engine.uploads[0]! };
}

const pass = (milliseconds: number) => vi.advanceTimersByTimeAsync(milliseconds);

describe("sending", () => {
  test("parts go side by side until the file is a video", async () => {
    const { upload } = await openWith(file("film.mp4", 95));
    await pass(50);
    expect(upload.state).toBe("sending");
    expect(awake).toBe(true);
    await pass(2_000);
    expect(upload.state).toBe("done");
    expect(upload.sentBytes).toBe(95);
    expect(service.received).toHaveLength(10);
    expect(service.atATime.most).toBe(2);
    expect(journal.entries.size).toBe(0);
    expect(awake).toBe(false);
  });

  test("files go one after the other, and no connection is idle between them", async () => {
    const { engine } = await openWith(file("one.mp4", 40), file("two.mp4", 40), file("three.mp4", 10));
    await pass(2_000);
    expect(engine.uploads.map(({ state }) => state)).toEqual(["done", "done", "done"]);
    const order = service.received.map((url) => url.split("/")[0]);
    expect(order.slice(0, 2)).toEqual(["upload 1", "upload 1"]);
    expect(order.at(-1)).toBe("upload 3");
  });

  test("a file is refused before its turn, not after the hour that others take", async () => {
    const { engine } = await openWith(file("long.mp4", 900), file("next.mp4", 900), file("empty.mp4", 0));
    await pass(50);
    expect(engine.uploads.map(({ state }) => state)).toEqual(["sending", "waiting", "refused"]);
    expect(engine.uploads[1]!.videoId).toBeDefined();
  });

  test("the server may take its time to join the parts", async () => {
    service.completing = 3;
    const { upload } = await openWith(file("film.mp4", 15));
    await pass(1_000);
    expect(upload.state).toBe("completing");
    expect(upload.sentBytes).toBe(15);
    await pass(10_000);
    expect(upload.state).toBe("done");
  });

  test("speed and time left are told", async () => {
    service.partMs = 1_000;
    const { upload } = await openWith(file("film.mp4", 1000));
    await pass(10_000);
    expect(upload.speed).toBeGreaterThan(20);
    expect(upload.etaSecs).toBeGreaterThan(10);
  });
});

describe("trouble", () => {
  test("while nobody answers, no speed is told", async () => {
    service.partMs = 1_000;
    const { engine, upload } = await openWith(file("film.mp4", 1000));
    await pass(5_000);
    expect(upload.etaSecs).toBeGreaterThan(10);
    service.storageSays = Array.from({ length: 20 }, () => "lost" as const);
    await pass(2_000);
    expect(engine.connection.silent).toBe("storage");
    expect([upload.state, upload.speed, upload.etaSecs]).toEqual(["sending", undefined, undefined]);
    service.storageSays = [];
    await pass(20_000);
    expect(upload.etaSecs).toBeGreaterThan(10);
  });

  test("a part that was lost is sent again, with what the server says to it", async () => {
    service.storageSays = [200, "lost", 503];
    const { engine, upload } = await openWith(file("film.mp4", 50));
    await pass(60_000);
    expect(upload.state).toBe("done");
    expect(new Set(service.received).size).toBe(5);
    expect(service.received).toHaveLength(5);
    expect(engine.connection.silent).toBeUndefined();
  });

  test("what nobody asks for any more is not said to be silent", async () => {
    service.storageSays = Array.from({ length: 20 }, () => "lost" as const);
    const { engine, upload } = await openWith(file("film.mp4", 30));
    await pass(1_500);
    expect(engine.connection.silent).toBe("storage");
    engine.pause(upload);
    expect(engine.connection.silent).toBeUndefined();
  });

  test("an expired URL is replaced at once", async () => {
    service.storageSays = [403];
    const { upload } = await openWith(file("film.mp4", 10));
    await pass(250);
    expect(upload.state).toBe("done");
    expect(service.signed).toBe(2);
  });

  test("a lost connection is probed by one request at a time, and all goes on when it is back", async () => {
    service.storageSays = Array.from({ length: 8 }, () => "lost" as const);
    const { engine, upload } = await openWith(file("film.mp4", 100));
    await pass(1_500);
    expect(engine.connection.silent).toBe("storage");
    expect(upload.state).toBe("sending");
    expect(service.received).toHaveLength(0);
    await pass(120_000);
    expect(upload.state).toBe("done");
    expect(engine.connection.silent).toBeUndefined();
  });

  test.each([
    ["does not answer", new Unreachable()],
    ["cannot work", problem("/problems/unavailable", 503)],
  ])("a service that %s is waited for", async (_, failure) => {
    service.fails = [failure, failure];
    const { engine, upload } = await openWith(file("film.mp4", 30));
    await pass(0);
    expect(engine.connection.silent).toBe("service");
    engine.connection.retryNow();
    await pass(0);
    expect(engine.connection.silent).toBe("service");
    await pass(60_000);
    expect(upload.state).toBe("done");
  });

  test.each([429, 500, 503])("a storage that answers %d for minutes is waited for", async (status) => {
    service.storageSays = Array.from({ length: 40 }, () => status);
    const { engine, upload } = await openWith(file("film.mp4", 100));
    await pass(20_000);
    expect(upload.state).toBe("sending");
    expect(engine.connection).toMatchObject({
      silent: "storage",
      isBusy: true,
      detail: `It answered ${status}.`,
    });
    const asked = 40 - service.storageSays.length;
    await pass(20_000);
    expect(40 - service.storageSays.length - asked, "it is not asked all the time").toBeLessThan(5);
    service.storageSays = [];
    await pass(15_000);
    expect(upload.state).toBe("done");
    expect(engine.connection.silent).toBeUndefined();
  });

  test("nobody is told of a storage that is busy for a moment", async () => {
    service.storageSays = [503, 503];
    const { engine, upload } = await openWith(file("film.mp4", 30));
    for (let tick = 0; tick < 40; tick += 1) {
      await pass(50);
      expect(engine.connection.silent).toBeUndefined();
    }
    expect(upload.state).toBe("done");
  });

  test("a storage that keeps refusing a part ends in words and another attempt", async () => {
    service.storageSays = Array.from({ length: 30 }, () => 400);
    const { engine, upload } = await openWith(file("film.mp4", 10));
    await pass(120_000);
    expect(upload.state).toBe("failed");
    expect(upload.message).toBe("The storage does not take the file: it answered 400. Try again later.");
    service.storageSays = [];
    engine.resume(upload);
    await pass(1_000);
    expect(upload.state).toBe("done");
  });

  test("what cannot be a video is refused in the server's words, and forgotten", async () => {
    const { engine, upload } = await openWith(file("empty.mp4", 0), file("film.mp4", 10));
    await pass(1_000);
    expect(upload.state).toBe("refused");
    expect(upload.message).toBe("It is so.");
    expect(engine.uploads[1]!.state).toBe("done");
    expect(journal.entries.size).toBe(0);
  });

  test("a file that cannot be read any more must be chosen again", async () => {
    const unreadable = async () => Promise.reject(new FileUnreadable());
    const engine = open({ checksum: unreadable });
    await engine.add([{ file: file("film.mp4", 10) }]);
    await pass(0);
    expect(engine.uploads[0]!.state).toBe("fileless");
    expect(awake).toBe(false);
  });

  test("a browser that cannot read files says so, and lets the next attempt go on", async () => {
    const answers = [new ReaderFailed(), new ReaderFailed()];
    const engine = open({
      checksum: async (part) => {
        const failure = answers.shift();
        if (failure) throw failure;
        return checksum(part);
      },
    });
    await engine.add([{ file: file("film.mp4", 30) }]);
    await pass(100);
    const upload = engine.uploads[0]!;
    expect(upload.state).toBe("failed");
    expect(upload.message).toMatch(/could not start what reads the file/);
    engine.resume(upload);
    await pass(1_000);
    expect(upload.state).toBe("done");
  });

  test("an upload that was deleted elsewhere ends in words, and begins anew when the user wants that", async () => {
    const { engine, upload } = await openWith(file("film.mp4", 50));
    service.uploads.clear();
    await pass(1_000);
    expect(upload.state).toBe("failed");
    expect(upload.message).toMatch(/upload it anew/);
    engine.resume(upload);
    await pass(1_000);
    expect(upload.state).toBe("done");
  });

  test("an upload that lost its place in the storage is not begun again by itself", async () => {
    const { engine, upload } = await openWith(file("film.mp4", 50));
    service.storageSays = [404, 404];
    await pass(1_000);
    expect(upload.state).toBe("failed");
    expect(service.abandoned).toEqual(["upload 1"]);
    service.storageSays = [];
    engine.resume(upload);
    await pass(1_000);
    expect(upload.state).toBe("done");
  });

  test("parts that turn out to be of another file are sent again", async () => {
    // An earlier visit sent the first two of another file by the same name, size and time.
    const before = await openWith(file("film.mp4", 60, "b"));
    await pass(150);
    before.engine.pause(before.upload);
    expect(service.received.length).toBeGreaterThan(1);
    before.upload.release?.();

    const { upload } = await openWith(file("film.mp4", 60, "a"));
    await pass(2_000);
    expect(upload.state).toBe("done");
    expect([...service.uploads.values()][0]!.parts.get(1)).toBe(`crc of ${"a".repeat(10)}`);
  });
});

describe("commands", () => {
  test("a pause ends what is on its way, and what was sent is not sent again", async () => {
    const { engine, upload } = await openWith(file("film.mp4", 90));
    await pass(150);
    engine.pause(upload);
    expect(upload.sentBytes).toBe(20);
    await pass(5_000);
    expect(service.received).toHaveLength(2);
    expect(awake).toBe(false);
    engine.resume(upload);
    await pass(5_000);
    expect(upload.state).toBe("done");
    expect(service.received).toHaveLength(9);
  });

  test("a cancelled upload is deleted, unless that is undone", async () => {
    const { engine, upload } = await openWith(file("film.mp4", 90));
    await pass(150);
    engine.cancel(upload);
    await pass(3_000);
    expect(service.abandoned).toEqual([]);
    engine.undo(upload);
    await pass(150);
    expect(upload.state).toBe("sending");
    engine.cancel(upload);
    await pass(20_000);
    expect(service.abandoned).toEqual(["upload 1"]);
    expect(engine.uploads).toHaveLength(0);
    expect(journal.entries.size).toBe(0);
  });

  /** Sends some of a file and cancels it, up to the moment in which it is deleted. */
  async function cancelled() {
    const { engine, upload } = await openWith(file("film.mp4", 90));
    await pass(150);
    engine.cancel(upload);
    return engine;
  }

  test("what could not be deleted can be sent again at once", async () => {
    const engine = await cancelled();
    service.fails = Array.from({ length: 99 }, () => new Unreachable());
    await pass(8_100);
    expect(engine.uploads).toHaveLength(0);
    service.fails = [];
    await engine.add([{ file: file("film.mp4", 90) }]);
    await pass(20_000);
    expect(engine.uploads.map(({ state }) => state)).toEqual(["done"]);
    expect(service.abandoned).toEqual([]);
  });

  test("what could not be deleted is deleted when the connection is back", async () => {
    await cancelled();
    service.fails = [new Unreachable(), problem("/problems/unavailable", 503), new Unreachable()];
    await pass(20_000);
    expect(service.abandoned).toEqual(["upload 1"]);
    expect(journal.entries.size).toBe(0);
  });

  test("what is cancelled while it is announced is deleted when that is answered", async () => {
    let answered!: () => void;
    service.announcing = new Promise((resolve) => (answered = resolve));
    const { engine, upload } = await openWith(file("film.mp4", 90));
    engine.cancel(upload);
    await pass(20_000);
    expect(engine.uploads).toHaveLength(0);
    answered();
    await pass(0);
    expect(service.abandoned).toEqual(["upload 1"]);
    expect(journal.entries.size).toBe(0);
  });

  test("what is cancelled while it is announced in vain is forgotten", async () => {
    service.fails = [new Unreachable()];
    const { engine, upload } = await openWith(file("film.mp4", 90));
    engine.cancel(upload);
    await pass(8_100);
    expect(engine.uploads).toHaveLength(0);
    expect(journal.entries.size).toBe(0);
  });

  test("a file that comes again while it is being deleted begins anew when that is done", async () => {
    const engine = await cancelled();
    let deleted!: () => void;
    service.abandoning = new Promise((resolve) => (deleted = resolve));
    await pass(8_100);
    void engine.add([{ file: file("film.mp4", 90) }]);
    await pass(5_000);
    expect(engine.uploads.map(({ state }) => state)).toEqual(["waiting"]);
    deleted();
    await pass(5_000);
    expect(engine.uploads.map(({ state }) => state)).toEqual(["done"]);
    expect(service.abandoned).toEqual(["upload 1"]);
  });

  test("a file that is given twice in a moment is one upload", async () => {
    const engine = open();
    const given = [{ file: file("film.mp4", 30) }];
    await Promise.all([engine.add(given), engine.add(given)]);
    expect(engine.uploads).toHaveLength(1);
    await pass(2_000);
    expect(service.uploads.size).toBe(1);
  });

  test("what is held goes on where it was, unless the user decided otherwise", async () => {
    const { engine, upload } = await openWith(file("film.mp4", 90));
    await pass(150);
    const goOn = engine.hold(upload);
    expect(upload.state).toBe("paused");
    goOn();
    await pass(150);
    expect(upload.state).toBe("sending");
    const goOnLater = engine.hold(upload);
    engine.cancel(upload);
    goOnLater();
    expect(upload.state).toBe("cancelled");
    expect(service.abandoned).toEqual([]);
  });

  test("what is being completed is held too", async () => {
    service.completing = 3;
    const { engine, upload } = await openWith(file("film.mp4", 15));
    await pass(1_000);
    expect(upload.state).toBe("completing");
    const goOn = engine.hold(upload);
    expect(upload.state).toBe("paused");
    goOn();
    await pass(10_000);
    expect(upload.state).toBe("done");
  });

  test("an upload whose video was deleted is forgotten, and its file can be sent again", async () => {
    const { engine, upload } = await openWith(file("film.mp4", 90));
    await pass(150);
    engine.hold(upload);
    service.uploads.clear();
    engine.forget(upload);
    await pass(0);
    expect(engine.uploads).toHaveLength(0);
    expect(journal.entries.size).toBe(0);
    expect(awake).toBe(false);
    await engine.add([{ file: file("film.mp4", 90) }]);
    await pass(5_000);
    expect(engine.uploads.map(({ state }) => state)).toEqual(["done"]);
    engine.forget(engine.uploads[0]!);
    expect(engine.uploads).toHaveLength(0);
  });

  test("the same file is not sent twice at a time, but once more when it is done", async () => {
    const { engine, upload } = await openWith(file("film.mp4", 30));
    expect(await engine.add([{ file: file("film.mp4", 30) }])).toEqual([upload]);
    expect(engine.uploads).toHaveLength(1);
    await pass(1_000);
    expect(await engine.add([{ file: file("film.mp4", 30) }])).toEqual([]);
    await pass(1_000);
    expect(service.uploads.size).toBe(2);
  });
});

describe("another visit", () => {
  /** Sends some of a file and leaves, as a crash does. */
  async function leaveHalfWay(handle?: FileSystemFileHandle): Promise<void> {
    const engine = open();
    await engine.add([{ file: file("film.mp4", 90), handle }]);
    await pass(service.partMs / 2);
    close(engine);
    await pass(service.partMs);
    browser = new Browser();
    awake = false;
  }

  test("shows what is unfinished, and goes on with the file when it is chosen again", async () => {
    await leaveHalfWay();
    const sent = service.received.length;
    expect(sent).toBeGreaterThan(0);
    const engine = open();
    await engine.start();
    await pass(0);
    const upload = engine.uploads[0]!;
    expect(upload.state).toBe("fileless");
    expect(upload.sentBytes).toBe(sent * 10);
    expect(awake).toBe(false);
    await engine.add([{ file: file("film.mp4", 90) }]);
    await pass(2_000);
    expect(upload.state).toBe("done");
    expect(service.received).toHaveLength(9);
  });

  test("goes on by itself where the browser can open the file again", async () => {
    const handle = {} as FileSystemFileHandle;
    await leaveHalfWay(handle);
    const engine = open({ openAgain: async () => file("film.mp4", 90) });
    await engine.start();
    await pass(2_000);
    expect(engine.uploads[0]!.state).toBe("done");
    expect(service.received).toHaveLength(9);
  });

  test("does not take a file that was changed", async () => {
    await leaveHalfWay({} as FileSystemFileHandle);
    const engine = open({ openAgain: async () => file("film.mp4", 91) });
    await engine.start();
    expect(engine.uploads[0]!.state).toBe("fileless");
    expect(engine.uploads[0]!.message).toMatch(/changed/);
  });

  test("wants the file again that is lost while what arrived is compared with it", async () => {
    await leaveHalfWay();
    const sent = service.received.length;
    let reads = 0;
    // What is missing is read first, then what was sent before.
    const unplugged = async (part: Blob) => {
      if (++reads > 9 - sent) throw new FileUnreadable();
      return checksum(part);
    };
    let isAwake = true;
    const engine = open({ checksum: unplugged, keepAwake: (sending) => (isAwake = sending) });
    await engine.add([{ file: file("film.mp4", 90) }]);
    await pass(2_000);
    expect(service.received).toHaveLength(9);
    expect(engine.uploads[0]!.state).toBe("fileless");
    expect(engine.uploads[0]!.message).toMatch(/moved or deleted/);
    expect(isAwake).toBe(false);
  });

  test("shows all that is unfinished at once, however long the service takes to answer", async () => {
    const engine = open();
    await engine.add(["one.mp4", "two.mp4", "three.mp4"].map((name) => ({ file: file(name, 90) })));
    await pass(50);
    close(engine);
    await pass(100);
    browser = new Browser();
    service.looking = new Promise(() => {});
    const later = open();
    void later.start();
    await pass(0);
    expect(later.uploads.map(({ name, state }) => [name, state])).toEqual([
      ["one.mp4", "fileless"],
      ["two.mp4", "fileless"],
      ["three.mp4", "fileless"],
    ]);
  });

  test("asks until it is answered what was finished meanwhile", async () => {
    await leaveHalfWay();
    service.uploads.get("upload 1")!.status = "completed";
    service.fails = [new Unreachable(), problem("/problems/unavailable", 503)];
    const engine = open();
    await engine.start();
    expect(engine.uploads).toHaveLength(1);
    await pass(2_000);
    expect(engine.uploads).toHaveLength(0);
  });

  test("forgets what was finished meanwhile", async () => {
    await leaveHalfWay();
    service.uploads.get("upload 1")!.status = "completed";
    const engine = open();
    await engine.start();
    await pass(0);
    expect(engine.uploads).toHaveLength(0);
    expect(journal.entries.size).toBe(0);
  });

  test.each(["aborted", "not there"] as const)(
    "says that an upload is %s, and sends the whole file when it is chosen again",
    async (now) => {
      await leaveHalfWay();
      if (now === "aborted") service.uploads.get("upload 1")!.status = now;
      else service.uploads.clear();
      service.received.length = 0;
      const engine = open();
      await engine.start();
      await pass(0);
      const upload = engine.uploads[0]!;
      expect(upload.state).toBe("fileless");
      expect(upload.sentBytes).toBe(0);
      expect(upload.message).toMatch(/expired/);
      await engine.add([{ file: file("film.mp4", 90) }]);
      await pass(2_000);
      expect(upload.state).toBe("done");
      expect(service.received).toHaveLength(9);
    },
  );

  test("deletes what was cancelled when the page closed", async () => {
    const { engine, upload } = await openWith(file("film.mp4", 90));
    await pass(150);
    engine.cancel(upload);
    upload.stop.abort();
    browser = new Browser();
    await open().start();
    await pass(0);
    expect(service.abandoned).toEqual(["upload 1"]);
  });
});

describe("two tabs without locks", () => {
  const grant = async () => () => {};

  test("show an upload no more that one of them has brought to its end", async () => {
    const engine = open({ tabs: { ...browser.tab(), claim: grant } });
    await engine.add([{ file: file("film.mp4", 90) }]);
    await pass(50);
    const other = open({ tabs: { ...browser.tab(), claim: grant } });
    await other.start();
    expect(other.uploads.map(({ state }) => state)).toEqual(["fileless"]);
    await pass(2_000);
    expect(engine.uploads.map(({ state }) => state)).toEqual(["done"]);
    expect(other.uploads).toHaveLength(0);
  });

  test("do not delete a video that one of them has made and the other has not heard of", async () => {
    const engine = open({ tabs: { ...browser.tab(), claim: grant } });
    await engine.add([{ file: file("film.mp4", 90) }]);
    await pass(50);
    const deaf = open({ tabs: { ...browser.tab(), claim: grant, listen: () => {} } });
    await deaf.start();
    await pass(2_000);
    deaf.cancel(deaf.uploads[0]!);
    await pass(20_000);
    expect(service.abandoned).toEqual([]);
    expect(deaf.uploads).toHaveLength(0);
  });
});

describe("two tabs", () => {
  test("one sends, the other shows it, and takes over when the first is closed", async () => {
    const [first, second] = [open(), open()];
    await first.start();
    await second.start();
    await first.add([{ file: file("film.mp4", 900) }]);
    await pass(1_000);
    const shown = second.uploads[0]!;
    expect(shown.state).toBe("elsewhere");
    expect(shown.sentBytes).toBeGreaterThan(0);
    await second.add([{ file: file("film.mp4", 900) }]);
    expect(shown.state).toBe("elsewhere");

    // The first is closed: what it held is free, and nothing of it goes on.
    close(first);
    first.uploads[0]!.release?.();
    await pass(20_000);
    expect(shown.state).toBe("done");
    expect(new Set(service.received).size).toBe(90);
  });

  test("what one finishes, the other forgets", async () => {
    const [first, second] = [open(), open()];
    await second.start();
    await first.add([{ file: file("film.mp4", 60) }]);
    await pass(0);
    expect(second.uploads).toHaveLength(1);
    await pass(5_000);
    expect(first.uploads[0]!.state).toBe("done");
    expect(second.uploads).toHaveLength(0);
  });

  /** One tab that sends a file, and another one that came later. */
  async function oneSends() {
    const [first, second] = [open(), open()];
    await first.start();
    await first.add([{ file: file("film.mp4", 900) }]);
    await pass(150);
    await second.start();
    await pass(0);
    return { first, second, upload: first.uploads[0]!, shown: second.uploads[0]! };
  }

  test("one tells how it stands in the other, as soon as it is opened", async () => {
    const { first, upload, shown } = await oneSends();
    expect([shown.state, shown.there]).toEqual(["elsewhere", "sending"]);
    first.pause(upload);
    expect(shown.there).toBe("paused");
    first.cancel(upload);
    expect(shown.there).toBe("cancelled");
    first.undo(upload);
    first.resume(upload);
    await pass(0);
    service.storageSays = Array.from({ length: 20 }, () => 405);
    await pass(1_000);
    expect([upload.state, shown.there]).toEqual(["failed", "failed"]);
    const third = open();
    await third.start();
    await pass(0);
    expect(third.uploads[0]!.there).toBe("failed");
  });

  test("one goes on with what stands still in the other, when it is given the file", async () => {
    const { first, second, upload, shown } = await oneSends();
    expect(await second.add([{ file: file("film.mp4", 900) }]), "it is on its way").toEqual([shown]);
    expect(shown.state).toBe("elsewhere");
    first.pause(upload);
    expect(await second.add([{ file: file("film.mp4", 900) }])).toEqual([]);
    await pass(1_000);
    expect(shown.state).toBe("sending");
    expect([upload.state, upload.there]).toEqual(["elsewhere", "sending"]);
    await pass(60_000);
    expect(shown.state).toBe("done");
    expect(first.uploads).toHaveLength(0);
    expect(service.received).toHaveLength(90);
  });

  test("what one deletes while the other has the file begins anew there", async () => {
    const { first, second, upload, shown } = await oneSends();
    await second.add([{ file: file("film.mp4", 900) }]);
    first.cancel(upload);
    await pass(9_000);
    expect(service.abandoned).toEqual(["upload 1"]);
    expect(shown.state).toBe("sending");
    expect(second.uploads).toHaveLength(1);
  });

  test("what one finished does not begin anew in the other, though its lock comes before the news", async () => {
    const { first, second, upload, shown } = await oneSends();
    await second.add([{ file: file("film.mp4", 900) }]);
    first.pause(upload);
    journal.entries.clear();
    upload.release?.();
    await pass(100);
    browser.tab().tell({ fingerprint: upload.fingerprint, is: "over", sentBytes: 900 });
    await pass(5_000);
    expect(shown.state).toBe("elsewhere");
    expect(second.uploads).toHaveLength(0);
  });

  test("what is told twice in a moment is one upload", async () => {
    const { first, upload } = await oneSends();
    const late = open();
    first.pause(upload);
    await late.start();
    late.uploads.splice(0);
    const tab = browser.tab();
    const news = { fingerprint: upload.fingerprint, is: "paused", sentBytes: 20 } as const;
    tab.tell(news);
    tab.tell(news);
    await pass(10);
    expect(late.uploads).toHaveLength(1);
  });
});
