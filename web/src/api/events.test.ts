import { describe, expect, it } from "vitest";
import { EventReader } from "./events";

describe("an event reader", () => {
  it("reads events that come in pieces", () => {
    const reader = new EventReader();
    expect(reader.read("retry: 2000\n\nid: 7\nev")).toEqual([]);
    expect(reader.read('ent: video\ndata: {"id"')).toEqual([]);
    expect(reader.read(':"A"}\n\nevent: deleted\ndata: 1\n\n')).toEqual([
      { name: "video", data: '{"id":"A"}' },
      { name: "deleted", data: "1" },
    ]);
    expect(reader.lastEventId).toBe("7");
  });

  it("remembers the id of a sign of life, which is no event", () => {
    const reader = new EventReader();
    expect(reader.read("id: 8\n: still here\n\n")).toEqual([]);
    expect(reader.lastEventId).toBe("8");
  });

  it("does not remember the id of an event that did not come whole", () => {
    const reader = new EventReader();
    reader.read("id: 9\nevent: video\ndata: {");
    reader.restart();
    expect(reader.lastEventId).toBe("");
    expect(reader.read("data: whole\n\n")).toEqual([{ name: "message", data: "whole" }]);
  });

  it("joins lines of data and takes every end of a line", () => {
    const reader = new EventReader();
    expect(reader.read("data: one\r\ndata:two\r\n\r\n")).toEqual([{ name: "message", data: "one\ntwo" }]);
  });
});
