/** Reads parts and takes their checksums, beside the thread that draws the page. */
import { crc32c, inBase64 } from "./crc32c";

/** A part to read. */
export interface ChecksumRequest {
  readonly id: number;
  readonly part: Blob;
}

/** Its checksum as S3 writes it, or the name of the error that reading it ended in. */
export type ChecksumAnswer = { readonly id: number } & (
  { readonly checksum: string } | { readonly error: string }
);

/** Bytes in memory at a time. */
const PIECE_BYTES = 2 << 20;

addEventListener("message", async ({ data: { id, part } }: MessageEvent<ChecksumRequest>) => {
  const answer: ChecksumAnswer = await checksumOf(part).then(
    (checksum) => ({ id, checksum }),
    (error: unknown) => ({ id, error: error instanceof Error ? error.name : "Error" }),
  );
  postMessage(answer);
});

async function checksumOf(part: Blob): Promise<string> {
  let crc = 0;
  for (let at = 0; at < part.size; at += PIECE_BYTES) {
    crc = crc32c(new Uint8Array(await part.slice(at, at + PIECE_BYTES).arrayBuffer()), crc);
  }
  return inBase64(crc);
}
