import { expect, test } from "vitest";
import { crc32c, inBase64 } from "./crc32c";

const bytes = (length: number, of: (index: number) => number) =>
  Uint8Array.from({ length }, (_, index) => of(index));

/** RFC 3720, B.4, and the catalogue of CRCs. */
test.each([
  ["nothing", new Uint8Array(), 0],
  ["123456789", new TextEncoder().encode("123456789"), 0xe3069283],
  ["32 zeros", new Uint8Array(32), 0x8a9136aa],
  ["32 ones", new Uint8Array(32).fill(0xff), 0x62a8ab43],
  ["0 to 31", bytes(32, (index) => index), 0x46dd794e],
  ["31 to 0", bytes(32, (index) => 31 - index), 0x113fdb5c],
])("the checksum of %s is the published one", (_, data, expected) => {
  expect(crc32c(data)).toBe(expected);
});

test("it does not matter how the bytes are cut", () => {
  const data = bytes(1000, (index) => (index * 167) ^ (index >>> 3));
  const whole = crc32c(data);
  for (const cut of [0, 1, 7, 8, 9, 500, 999, 1000]) {
    expect(crc32c(data.subarray(cut), crc32c(data.subarray(0, cut)))).toBe(whole);
  }
});

test("it is written as S3 writes it", () => {
  expect(inBase64(0xe3069283)).toBe("4waSgw==");
  expect(inBase64(0)).toBe("AAAAAA==");
});
