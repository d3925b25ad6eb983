/** How often a call is sent before its failure is believed. */
const ATTEMPTS = 5;

/** The first pause, in milliseconds; each one may be twice as long as the one before. */
const FIRST_PAUSE_MS = 300;

/** The longest pause. */
const LONGEST_PAUSE_MS = 10_000;

/** The longest that one attempt may take, in milliseconds. What takes longer, such as joining parts, answers before it is done. */
const PATIENCE_MS = 30_000;

/** How many attempts may run out of time: a dead connection is replaced by the second, more of them keep people waiting for minutes. */
const MOST_TIMEOUTS = 2;

/** Answers of a service, or of what stands before it, that may be another one a moment later. */
const PASSING: ReadonlySet<number> = new Set([429, 502, 503, 504]);

/**
 * How long to wait after `attempt` failures (from 1), in milliseconds. Somewhere between half and all of a doubling pause, so that
 * many clients do not come back at once.
 */
export function backoff(attempt: number, random: () => number = Math.random): number {
  const pause = Math.min(FIRST_PAUSE_MS * 2 ** (attempt - 1), LONGEST_PAUSE_MS);
  return pause * (0.5 + random() / 2);
}

/** How long an answer asks to wait, in milliseconds, by its header `Retry-After`. */
export function retryAfter(headers: Headers): number | undefined {
  const secs = Number.parseInt(headers.get("retry-after") ?? "", 10);
  return Number.isNaN(secs) ? undefined : Math.min(secs * 1000, LONGEST_PAUSE_MS);
}

/** Resolves after so many milliseconds, or rejects as soon as `signal` is aborted. */
export function pause(milliseconds: number, signal?: AbortSignal | null): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, milliseconds);
    signal?.addEventListener("abort", stop, { once: true });
  });
}

/**
 * `send`, but aborted with a `TimeoutError` when its answer and all of the body are not there in time: a connection that broke off
 * without a word may stay silent for ever.
 */
export function timing(
  send: (request: Request, signal: AbortSignal) => Promise<Response>,
): (request: Request) => Promise<Response> {
  return (request) => {
    const stop = new AbortController();
    // Not `AbortSignal.any()`: Firefox has it since 124. It goes on after the headers, because the body may not come either.
    const timer = setTimeout(
      () => stop.abort(new DOMException("no answer in time", "TimeoutError")),
      PATIENCE_MS,
    );
    request.signal.addEventListener("abort", () => stop.abort(request.signal.reason), { once: true });
    if (request.signal.aborted) stop.abort(request.signal.reason);
    return send(request, stop.signal).catch((error: unknown) => {
      clearTimeout(timer);
      throw error;
    });
  };
}

/** `send`, but what fails for a moment is sent again. */
export function retrying(
  send: (request: Request) => Promise<Response>,
  wait: typeof pause = pause,
): (request: Request) => Promise<Response> {
  return async (request) => {
    let timeouts = 0;
    for (let attempt = 1; ; attempt += 1) {
      const isLast = attempt === ATTEMPTS;
      // A body can be read once, so each attempt needs its own.
      const sent = send(isLast ? request : request.clone());
      const response = await sent.catch((error: unknown) => {
        if (isTimeout(error)) timeouts += 1;
        if (isLast || request.signal.aborted || timeouts === MOST_TIMEOUTS) throw error;
      });
      if (response && (isLast || !PASSING.has(response.status))) return response;
      await wait((response && retryAfter(response.headers)) ?? backoff(attempt), request.signal);
    }
  };
}

function isTimeout(error: unknown): boolean {
  return error instanceof DOMException && error.name === "TimeoutError";
}
