import { expect, test } from "vitest";
import { looksLikeVideo } from "./candidates";

test.each([
  ["film.mp4", "video/mp4", true],
  ["film", "video/quicktime", true],
  ["film.MKV", "", true],
  // A transport stream, whatever the system believes.
  ["film.ts", "text/vnd.trolltech.linguist", true],
  ["IMG_0042.jpg", "image/jpeg", false],
  ["notes.txt", "text/plain", false],
  ["song.mp3", "audio/mpeg", false],
  [".DS_Store", "", false],
  ["._film.mov", "video/quicktime", false],
  ["mp4", "", false],
])("in a folder, %s of type %j is a video: %s", (name, type, expected) => {
  expect(looksLikeVideo({ name, type })).toBe(expected);
});
