import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { ChecksumRequest } from "./checksum.worker";
import { FileUnreadable, openChecksums, ReaderFailed } from "./checksums";

/** Workers in the order in which they were started. What they are told stays until a test answers it. */
let workers: FakeWorker[];

class FakeWorker {
  onmessage!: (event: { data: unknown }) => void;
  onerror!: () => void;
  asked: number[] = [];
  isEnded = false;

  constructor() {
    workers.push(this);
  }

  postMessage({ id }: ChecksumRequest): void {
    this.asked.push(id);
  }

  terminate(): void {
    this.isEnded = true;
  }
}

beforeEach(() => {
  workers = [];
  vi.useFakeTimers();
  vi.stubGlobal("Worker", FakeWorker);
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const part = new Blob(["part"]);

test("one worker answers for all parts", async () => {
  const checksum = openChecksums();
  const [one, two] = [checksum(part), checksum(part)];
  expect(workers).toHaveLength(1);
  workers[0]!.onmessage({ data: { id: 2, error: "NotFoundError" } });
  workers[0]!.onmessage({ data: { id: 1, checksum: "AAAAAA==" } });
  expect(await one).toBe("AAAAAA==");
  await expect(two).rejects.toThrow(FileUnreadable);
});

test("a worker that has read much is replaced when nobody waits for it", async () => {
  const checksum = openChecksums();
  const large = { size: 100 << 20 } as Blob;
  const asked = [checksum(large), checksum(large), checksum(part)];
  const answer = (id: number) => workers[0]!.onmessage({ data: { id, checksum: `${id}` } });
  answer(1);
  answer(2);
  expect(workers[0]!.isEnded, "somebody waits").toBe(false);
  answer(3);
  expect(workers[0]!.isEnded).toBe(true);
  expect(await Promise.all(asked)).toEqual(["1", "2", "3"]);
  void checksum(part);
  expect(workers[1]!.asked).toEqual([4]);
});

test("a worker that crashes is replaced, and nothing that it was asked is forgotten", async () => {
  const checksum = openChecksums();
  const [one, two] = [checksum(part), checksum(part)];
  workers[0]!.onerror();
  expect(workers[0]!.isEnded).toBe(true);
  const three = checksum(part);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(workers).toHaveLength(2);
  expect(workers[1]!.asked).toEqual([1, 2, 3]);
  for (const id of [1, 2, 3]) workers[1]!.onmessage({ data: { id, checksum: `${id}` } });
  expect(await Promise.all([one, two, three])).toEqual(["1", "2", "3"]);
});

test("one that never starts ends in words, and is tried again when somebody asks again", async () => {
  const checksum = openChecksums();
  const given = expect(checksum(part)).rejects.toThrow(ReaderFailed);
  for (let start = 0; start < 3; start += 1) {
    workers[start]!.onerror();
    await vi.advanceTimersByTimeAsync(1_000);
  }
  await given;
  expect(workers).toHaveLength(3);
  const again = checksum(part);
  workers[3]!.onmessage({ data: { id: 2, checksum: "AAAAAA==" } });
  expect(await again).toBe("AAAAAA==");
});
