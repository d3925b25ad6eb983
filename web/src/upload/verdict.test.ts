import { expect, test } from "vitest";
import { verdict } from "./verdict";

const error = (code: string, message: string) =>
  `<?xml version="1.0"?><Error><Code>${code}</Code><Message>${message}</Message><RequestId>1</RequestId></Error>`;

test.each([
  [200, "", { then: "sent" }],
  [204, "", { then: "sent" }],
  [403, error("AccessDenied", "Request has expired"), { then: "sign again", why: "Request has expired" }],
  [
    400,
    error("ExpiredToken", "The provided token has expired."),
    { then: "sign again", why: "The provided token has expired." },
  ],
  [400, error("BadDigest", "Checksums differ"), { then: "send again", why: "Checksums differ" }],
  [404, error("NoSuchUpload", "It does not exist"), { then: "ask the server" }],
  [405, "", { then: "give up", why: "it answered 405" }],
  [413, error("EntityTooLarge", "Too large"), { then: "give up", why: "Too large" }],
  [429, "", { then: "wait", why: "it answered 429" }],
  [500, "<html>", { then: "wait", why: "it answered 500" }],
  [
    503,
    error("SlowDown", "Reduce your request rate."),
    { then: "wait", why: "it answered 503: Reduce your request rate." },
  ],
])("the storage's answer %d %s leads to %o", (status, body, expected) => {
  expect(verdict(status, body)).toEqual(expected);
});
