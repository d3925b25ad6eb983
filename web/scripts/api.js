// Writes `src/api/schema.ts` from what a running service says of itself: `STREAMFORGE_URL=http://127.0.0.1:8080 npm run api`.

import { writeFile } from "node:fs/promises";
import openapi, { astToString } from "openapi-typescript";

const HEADER = "// Written by `npm run api` from `/api/openapi.json` of the service. Do not edit.\n\n";

/** What has a default may be left out of a request. */
const OPTIONS = { defaultNonNullable: false };

const service = process.env.STREAMFORGE_URL ?? "http://127.0.0.1:8080";

/**
 * The types of the API of the service at `origin`, as TypeScript.
 *
 * @param {string} origin
 */
export async function schemaOf(origin) {
  return HEADER + astToString(await openapi(new URL("/api/openapi.json", origin), OPTIONS));
}

if (import.meta.filename === process.argv[1]) {
  await writeFile(new URL("../src/api/schema.ts", import.meta.url), await schemaOf(service));
}
