import createClient from "openapi-fetch";
import { problemOf, Unreachable } from "./errors";
import { retrying, timing } from "./retry";
import type { components, paths } from "./schema";

/** A video as the API tells of it. */
export type Video = components["schemas"]["Video"];
/** How far a video is. */
export type Progress = components["schemas"]["Progress"];
/** One rung of the ladder and how far it is. */
export type Rung = components["schemas"]["Rung"];
/** An upload as the API tells of it. */
export type Upload = components["schemas"]["Upload"];
/** Where one part is to be sent. */
export type PartUrl = components["schemas"]["PartUrl"];
/** A job: a chunk of pictures or of sound. */
export type Job = components["schemas"]["Job"];
/** Where a video is. */
export type VideoStatus = components["schemas"]["VideoStatus"];

/**
 * The typed client. What fails for a moment or does not answer is asked again, with growing pauses: every call of this API may come twice, and the
 * announcement of an upload may when it carries an `Idempotency-Key`.
 */
export const api = createClient<paths>({
  fetch: retrying(timing((request, signal) => fetch(request, { signal }))),
});

/**
 * What a call answers: `await answer(api.GET("/api/v1/videos"))`.
 *
 * @throws {@link Problem} when the service refuses, {@link Unreachable} when it cannot be reached.
 */
export async function answer<T>(
  call: Promise<{ data?: T; error?: unknown; response: Response }>,
): Promise<T> {
  const { data, error, response } = await call.catch((cause: unknown) => {
    if (cause instanceof DOMException && cause.name === "AbortError") throw cause;
    throw new Unreachable({ cause });
  });
  if (!response.ok) throw problemOf(response, error);
  return data as T;
}
