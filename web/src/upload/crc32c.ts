/**
 * CRC-32C (Castagnoli), the checksum that the storage compares each part with.
 *
 * Eight bytes a step ("slicing by 8", Kounavis and Berry 2008): about 0.9 GB/s, more than a link takes. It is written out because the
 * strict Content-Security-Policy of these pages keeps WebAssembly out.
 */

/** The polynomial 0x1EDC6F41 with its bits reversed (RFC 3720, 12.1). */
const POLYNOMIAL = 0x82f63b78;

const SLICES = 8;

/** `TABLES[256 * k + b]`: what byte `b` does to the checksum when `k` bytes follow it. */
const TABLES = tables();

function tables(): Uint32Array {
  const tables = new Uint32Array(256 * SLICES);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
    tables[byte] = crc;
  }
  for (let at = 256; at < tables.length; at++) {
    const before = tables[at - 256]!;
    tables[at] = tables[before & 0xff]! ^ (before >>> 8);
  }
  return tables;
}

/** The checksum of all bytes so far, given that of those before `bytes`. */
export function crc32c(bytes: Uint8Array, before = 0): number {
  const t = TABLES;
  let crc = ~before;
  let at = 0;
  for (const end = bytes.length - 7; at < end; at += 8) {
    crc ^= bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    crc =
      t[0x700 | (crc & 0xff)]! ^
      t[0x600 | ((crc >>> 8) & 0xff)]! ^
      t[0x500 | ((crc >>> 16) & 0xff)]! ^
      t[0x400 | (crc >>> 24)]! ^
      t[0x300 | bytes[at + 4]!]! ^
      t[0x200 | bytes[at + 5]!]! ^
      t[0x100 | bytes[at + 6]!]! ^
      t[bytes[at + 7]!]!;
  }
  for (; at < bytes.length; at++) crc = t[(crc ^ bytes[at]!) & 0xff]! ^ (crc >>> 8);
  return ~crc >>> 0;
}

/** As S3 writes it: base 64 of its four bytes, the most significant first. */
export function inBase64(crc: number): string {
  return btoa(String.fromCharCode(crc >>> 24, (crc >>> 16) & 0xff, (crc >>> 8) & 0xff, crc & 0xff));
}
