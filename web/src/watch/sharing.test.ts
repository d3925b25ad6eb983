import { describe, expect, it } from "vitest";
import { embedCode, startOptionsOf, startTimeOf } from "./sharing";

describe("the parameters of a player", () => {
  it("are off by default", () => {
    expect(startOptionsOf(new URLSearchParams(""))).toEqual({
      autoplay: false,
      muted: false,
      loop: false,
      startAt: undefined,
    });
  });

  it("are on when they are named, unless they say no", () => {
    expect(startOptionsOf(new URLSearchParams("autoplay&muted=1&loop=true&t=80"))).toEqual({
      autoplay: true,
      muted: true,
      loop: true,
      startAt: 80,
    });
    expect(startOptionsOf(new URLSearchParams("autoplay=0&muted=false"))).toMatchObject({
      autoplay: false,
      muted: false,
    });
  });

  it.each([
    ["80", 80],
    ["80.5", 80.5],
    ["80s", 80],
    ["1m20s", 80],
    ["1h", 3600],
    ["1h2m5s", 3725],
    ["1m20", 80],
    ["1:20", 80],
    ["1:02:05", 3725],
    ["", undefined],
    ["-5", undefined],
    ["1:99", undefined],
    ["soon", undefined],
    ["1:2:3:4", undefined],
  ])("t=%s starts at %s", (text, secs) => expect(startTimeOf(text)).toBe(secs));
});

describe("the code to embed", () => {
  const src = "https://video.example/embed/ID";

  it("keeps the shape of the picture", () => {
    const code = embedCode(src, { title: "Holidays", width: 720, height: 1280 });
    expect(code).toContain(`src="${src}"`);
    expect(code).toContain("aspect-ratio: 720 / 1280");
    expect(embedCode(src, { title: "" })).toContain("16 / 9");
  });

  it("lets no title break out of its attribute", () => {
    const code = embedCode(src, { title: '"><script>alert(1)</script>' });
    expect(code).not.toContain("<script>");
    expect(code).toContain("&#34;&#62;&#60;script&#62;");
  });
});
