/** The types of problems that `docs/API.md` lists. */
export const PROBLEMS = [
  "/problems/invalid-request",
  "/problems/not-found",
  "/problems/no-such-route",
  "/problems/method-not-allowed",
  "/problems/upload-state",
  "/problems/upload-incomplete",
  "/problems/not-retryable",
  "/problems/length-required",
  "/problems/content-too-large",
  "/problems/too-large-for-one-request",
  "/problems/unsupported-media-type",
  "/problems/too-many-uploads",
  "/problems/unavailable",
  "/problems/empty",
  "/problems/too_large",
  "/problems/not_video",
] as const;

/** The type of a problem; `about:blank` when the answer was none of ours, such as that of a proxy in between. */
export type ProblemType = (typeof PROBLEMS)[number] | "about:blank";

/** The service answered, and refused. Its message says what happened and what to do. */
export class Problem extends Error {
  constructor(
    readonly type: ProblemType,
    readonly status: number,
    detail: string,
    /** Part numbers, where parts are the matter. */
    readonly parts: readonly number[] = [],
  ) {
    super(detail);
    this.name = "Problem";
  }
}

/** No answer came: the device is offline, or the service is down. */
export class Unreachable extends Error {
  constructor(options?: ErrorOptions) {
    super(
      "StreamForge cannot be reached. Check your connection; this goes on by itself when it is back.",
      options,
    );
    this.name = "Unreachable";
  }
}

/** The problem that an answer tells of. */
export function problemOf(response: Pick<Response, "status">, body: unknown): Problem {
  const said = isRecord(body) ? body : {};
  const type = PROBLEMS.find((known) => known === said.type) ?? "about:blank";
  const detail =
    typeof said.detail === "string" ? said.detail : `The service answered ${response.status}. Try again.`;
  const parts = Array.isArray(said.parts) ? said.parts.filter((part) => typeof part === "number") : [];
  return new Problem(type, response.status, detail, parts);
}

/** Whether an error is the problem of this type. */
export function isProblem(error: unknown, type: ProblemType): error is Problem {
  return error instanceof Problem && error.type === type;
}

/** What to tell a person of an error: one sentence or two, ending in what to do. */
export function inWords(error: unknown): string {
  if (error instanceof Problem || error instanceof Unreachable) return sentence(error.message);
  return "Something unexpected happened. Reload the page and try again.";
}

/** A reason that the service gives, as a sentence: it begins them in lower case and ends without a full stop, as programs do. */
export function sentence(text: string): string {
  const begun = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?…]$/.test(begun) ? begun : `${begun}.`;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
