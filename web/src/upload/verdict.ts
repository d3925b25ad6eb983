/** What follows from an answer of the storage to a part. */
export type Verdict =
  /** It has the part. */
  | { readonly then: "sent" }
  /** The URL is no longer good: ask for another one and send the part there. */
  | { readonly then: "sign again"; readonly why: string }
  /** Send the part again, after a while. */
  | { readonly then: "send again"; readonly why: string }
  /** The storage has too much to do or is out of order: wait until it is not. */
  | { readonly then: "wait"; readonly why: string }
  /** The storage does not know the upload any more; the server can tell why. */
  | { readonly then: "ask the server" }
  /** No other attempt will do better. */
  | { readonly then: "give up"; readonly why: string };

/** Longest message of the storage that is shown. */
const LONGEST = 200;

/** Reads an answer ([error responses](https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html)). */
export function verdict(status: number, body: string): Verdict {
  const code = element(body, "Code");
  const message = element(body, "Message");
  const why = message ?? `it answered ${status}`;
  if (status >= 200 && status < 300) return { then: "sent" };
  // An expired URL, and one by credentials that are not valid any more.
  if (status === 403 || code === "ExpiredToken") return { then: "sign again", why };
  if (status === 404) return { then: "ask the server" };
  // Alone its message would be a command to people ("Reduce your request rate").
  if (status === 429 || status >= 500)
    return { then: "wait", why: message ? `it answered ${status}: ${message}` : why };
  // 400 is a body that was damaged or cut on its way; the rest is of the moment.
  const ofTheMoment = status === 400 || status === 408 || status === 409;
  return ofTheMoment ? { then: "send again", why } : { then: "give up", why };
}

/** The text of an element of the XML of S3, which has neither attributes nor nesting here. */
function element(xml: string, name: string): string | undefined {
  const text = new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1];
  return text?.slice(0, LONGEST);
}
