/** What an unfinished upload knows its file by. */
export interface FileIdentity {
  readonly name: string;
  readonly size: number;
  /** Milliseconds since 1970. */
  readonly lastModified: number;
}

/** Longest text the API takes (docs/API.md), less what the numbers need. */
const MAX_NAME_BYTES = 960;

/**
 * The same for the same file in any folder, another after each change.
 *
 * It names the file to the server, which keeps a hash of it. Not hashed here: `crypto.subtle` is missing on pages that are served over
 * plain HTTP in a local network.
 */
export function fingerprint({ name, size, lastModified }: FileIdentity): string {
  const characters = [...name.normalize("NFC")];
  // The end is kept, because that is where recordings have their number.
  while (bytesIn(characters.join("")) > MAX_NAME_BYTES) characters.shift();
  return `${size} ${lastModified} ${characters.join("")}`;
}

function bytesIn(text: string): number {
  return new TextEncoder().encode(text).length;
}
