import { describe, expect, it } from "vitest";
import { parseStoryboard, tileAt } from "./storyboard";

const URL_OF_VTT = "https://example.org/v/ID/storyboard/storyboard.vtt";

const TEXT = `WEBVTT

00:00:00.000 --> 00:00:04.000
sheet_0.jpg#xywh=0,0,160,90

00:00:04.000 --> 00:00:08.000
sheet_1.jpg#xywh=0,0,160,90

00:00:08.000 --> 00:00:12.000
sheet_1.jpg#xywh=160,90,160,90
`;

const tiles = parseStoryboard(TEXT, URL_OF_VTT);

describe("reading a storyboard", () => {
  it("finds every tile with its sheet and rectangle", () => {
    expect(tiles).toHaveLength(3);
    expect(tiles[2]).toEqual({
      start: 8,
      end: 12,
      sheet: "https://example.org/v/ID/storyboard/sheet_1.jpg",
      x: 160,
      y: 90,
      width: 160,
      height: 90,
    });
  });

  it("reads what other tools write: CRLF, short times, identifiers, the pixel unit", () => {
    const text = "WEBVTT\r\n\r\n1\r\n01:20.500 --> 01:30.000 align:start\r\na.jpg#xywh=pixel:1,2,3,4\r\n";
    expect(parseStoryboard(text, URL_OF_VTT)).toMatchObject([{ start: 80.5, end: 90, x: 1, height: 4 }]);
  });

  it("passes over what is no tile", () => {
    const text = `${TEXT}
NOTE a remark

00:00:12.000 --> 00:00:16.000
words

00:00:16.000 --> 00:00:12.000
backwards.jpg#xywh=0,0,160,90

00:00:16.000 --> 00:00:20.000
empty.jpg#xywh=0,0,0,0
`;
    expect(parseStoryboard(text, URL_OF_VTT)).toHaveLength(3);
    expect(parseStoryboard("", URL_OF_VTT)).toEqual([]);
    expect(parseStoryboard("<!doctype html><p>Not found", URL_OF_VTT)).toEqual([]);
  });
});

describe("the tile at a time", () => {
  it.each([
    [0, 0],
    [3.999, 0],
    [4, 1],
    [7.9, 1],
    [8, 2],
    [12, 2],
    [13.9, 2],
  ])("at %d s is number %d", (time, place) => expect(tileAt(tiles, time)).toBe(tiles[place]));

  it("is none beyond what has been made so far", () => {
    expect(tileAt(tiles, 14.1)).toBeUndefined();
    expect(tileAt([], 0)).toBeUndefined();
  });

  it("is the first one for pictures that start late", () => {
    expect(tileAt(tiles.slice(1), 0)).toBe(tiles[1]);
  });
});
