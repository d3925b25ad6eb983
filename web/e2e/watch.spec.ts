import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Page } from "@playwright/test";
import { violationsOf } from "./accessible";
import { expect, test } from "./test";
import { CLIP_SECS, colourClip, hueAt, shownHue, uploadWhole, Watching } from "./watching";

let id: string;
let watching: Watching;

test.beforeAll(async ({ service }) => {
  // It is encoded first, on whatever else the machine has to do.
  test.setTimeout(300_000);
  const video = await uploadWhole(service.api, await colourClip(), "Colours");
  id = video.id;
});

test.beforeEach(({ page }) => {
  watching = new Watching(page);
});

/** The page as somebody sees it who wants no movement: it does not play by itself. */
async function openStill(page: Page, url = `/watch/${id}`): Promise<void> {
  await page.emulateMedia({ reducedMotion: "reduce" });
  await watching.open(url);
}

/** Captions are in no stream yet: of this one they are told on the way. */
async function addCaptions(page: Page): Promise<void> {
  await page.route("**/master.m3u8", async (route) => {
    const response = await route.fetch();
    const streams = (await response.text()).replaceAll(/^#EXT-X-STREAM-INF:/gm, '$&SUBTITLES="captions",');
    const captions = 'TYPE=SUBTITLES,GROUP-ID="captions",NAME="English",LANGUAGE="en",URI="captions.m3u8"';
    await route.fulfill({ response, body: `${streams}\n#EXT-X-MEDIA:${captions}\n` });
  });
  const playlist = [
    "#EXTM3U",
    "#EXT-X-VERSION:7",
    `#EXT-X-TARGETDURATION:${CLIP_SECS}`,
    "#EXT-X-PLAYLIST-TYPE:VOD",
  ];
  const segment = [`#EXTINF:${CLIP_SECS},`, "captions.vtt", "#EXT-X-ENDLIST"];
  await page.route("**/captions.m3u8", (route) =>
    route.fulfill({ body: [...playlist, ...segment].join("\n") }),
  );
  const cues = ["00:00.000 --> 01:30.000\nIt begins.", "01:30.000 --> 03:00.000\nThe second half begins."];
  await page.route("**/captions.vtt", (route) => route.fulfill({ body: ["WEBVTT", ...cues].join("\n\n") }));
}

test.describe("a player", () => {
  test("starts at 0, goes where one clicks, and shows what is there", async ({ page }) => {
    await openStill(page);
    await expect(page).toHaveTitle("Colours · StreamForge");
    expect(await watching.time()).toBe(0);
    await watching.play();
    expect(await watching.time()).toBeLessThan(2);

    await page.keyboard.press("k");
    for (const secs of [100, 40, 170]) {
      await watching.clickAt(secs);
      await watching.isAt(secs);
      await expect.poll(() => shownHue(page, watching.video)).toBe(hueAt(secs));
    }
    expect(CLIP_SECS).toBeCloseTo(await watching.read((video) => video.duration), 0);
  });

  test("shows the still of where one points", async ({ page }) => {
    await openStill(page);
    const still = page.getByTestId("still");
    for (const secs of [7, 22, 97, 127, 172]) {
      await watching.pointAt(secs);
      await expect(still).toBeVisible();
      await expect.poll(() => shownHue(page, still), `at ${secs} s`).toBe(hueAt(secs));
    }
    await page.mouse.move(10, 10);
    await expect(still).toBeHidden();
    const shownAfterKey = async () => {
      await page.keyboard.press("4");
      return shownHue(page, still);
    };
    await expect.poll(shownAfterKey, "a key went there").toBe(hueAt(72));
  });

  test("switches the quality by hand within a second, and stays where it is", async ({ page }) => {
    await watching.open(`/watch/${id}`);
    await page.keyboard.press("3");
    await watching.play();
    for (const [choice, height] of [
      ["360p", 360],
      ["720p", 720],
      ["360p", 360],
    ] as const) {
      const switching = watching.switching(height);
      await watching.choose("Quality", choice);
      const { took, moved } = await switching;
      test.info().annotations.push({ type: `to ${choice}`, description: `${Math.round(took)} ms` });
      expect(took).toBeLessThan(1000);
      expect(moved).toBeGreaterThanOrEqual(0);
      expect(moved).toBeLessThan(1.5);
    }
    const time = await watching.time();
    await expect.poll(() => watching.time(), "it goes on").toBeGreaterThan(time + 1);
    await watching.choose("Quality", /^Auto/);
  });

  test("obeys the keys", async ({ page }) => {
    await openStill(page);
    const press = (key: string) => page.keyboard.press(key);
    const isPaused = () => watching.read((video) => video.paused);
    const volume = () => watching.read((video) => Math.round((video.muted ? 0 : video.volume) * 100));
    const speed = () => watching.read((video) => video.playbackRate);

    for (const key of ["k", "Space"]) {
      await press(key);
      await expect.poll(isPaused).toBe(false);
      await press(key);
      await expect.poll(isPaused).toBe(true);
    }
    for (const [key, secs] of [
      ["5", 90],
      ["l", 100],
      ["j", 90],
      ["ArrowRight", 95],
      ["ArrowLeft", 90],
      ["0", 0],
      ["j", 0],
      ["9", 162],
      ["Home", 0],
      ["End", 180],
      ["3", 54],
    ] as const) {
      await press(key);
      await watching.isAt(secs);
    }
    for (let skip = 0; skip < 4; skip += 1) await press("ArrowRight");
    await watching.isAt(74);

    for (const [key, loud] of [
      ["ArrowDown", 95],
      ["ArrowDown", 90],
      ["m", 0],
      ["m", 90],
      ["ArrowUp", 95],
    ] as const) {
      await press(key);
      await expect.poll(volume).toBe(loud);
    }
    await expect(page.getByText("Volume 95 %")).toBeVisible();
    for (const [key, rate] of [
      [">", 1.25],
      [">", 1.5],
      ["<", 1.25],
      ["<", 1],
      ["<", 0.75],
    ] as const) {
      await press(key);
      await expect.poll(speed).toBe(rate);
    }

    await press("c");
    await expect(page.getByText("This video has no captions")).toBeVisible();
    await press("f");
    await expect.poll(() => page.evaluate(() => document.fullscreenElement !== null)).toBe(true);
    await press("f");
    await expect.poll(() => page.evaluate(() => document.fullscreenElement !== null)).toBe(false);
    await press("?");
    await expect(page.getByRole("dialog", { name: "Keyboard shortcuts" })).toBeVisible();
    await press("k");
    expect(await isPaused(), "keys in a dialog are the dialog's").toBe(true);
    await press("Escape");
    await expect(page.getByRole("dialog")).toBeHidden();
  });

  test("leaves the keys that scroll to the page where it scrolls, until one is in the player", async ({
    page,
  }) => {
    await page.setViewportSize({ width: 1280, height: 500 });
    await openStill(page);
    const scrolled = () => page.evaluate(() => scrollY);
    await page.keyboard.press("End");
    await expect.poll(scrolled).toBeGreaterThan(0);
    // A page that still scrolls down takes no notice.
    await expect(async () => {
      await page.keyboard.press("Home");
      await expect.poll(scrolled, { timeout: 1_000 }).toBe(0);
    }).toPass();
    expect(await watching.time()).toBe(0);

    await page.getByTestId("surface").click({ position: { x: 20, y: 20 } });
    await page.keyboard.press("k");
    await page.keyboard.press("ArrowDown");
    await expect.poll(() => watching.read((video) => video.volume)).toBeCloseTo(0.95);
    await page.keyboard.press("9");
    await page.keyboard.press("Home");
    await watching.isAt(0);
    expect(await scrolled()).toBe(0);
  });

  test("lets its keys be switched off", async ({ page }) => {
    await openStill(page);
    const isPaused = () => watching.read((video) => video.paused);
    await page.keyboard.press("?");
    await page.getByRole("checkbox", { name: "Use these keys" }).uncheck();
    await page.keyboard.press("Escape");
    await page.reload();
    await watching.canPlay();
    await page.keyboard.press("5");
    await page.keyboard.press("k");
    expect(await isPaused(), "kept for the next time").toBe(true);
    expect(await watching.time()).toBe(0);

    await watching.player.hover();
    await page.getByRole("button", { name: "Settings" }).click();
    await page.getByRole("menuitem", { name: "Keyboard shortcuts" }).click();
    await page.getByRole("checkbox", { name: "Use these keys" }).check();
    await page.keyboard.press("Escape");
    await expect(page.getByRole("dialog")).toBeHidden();
    await page.keyboard.press("k");
    await expect.poll(isPaused).toBe(false);
  });

  test("has sliders that say where they are, and a menu for the keyboard", async ({ page }) => {
    await openStill(page);
    await expect(watching.seekBar).toHaveAttribute("aria-valuetext", "0 seconds of 3 minutes");
    await page.keyboard.press("5");
    await expect(watching.seekBar).toHaveAttribute("aria-valuetext", "1 minute 30 seconds of 3 minutes");
    await watching.seekBar.focus();
    await page.keyboard.press("ArrowUp");
    await watching.isAt(95);
    const volume = page.getByRole("slider", { name: "Volume" });
    await volume.focus();
    await page.keyboard.press("ArrowLeft");
    await expect(volume).toHaveAttribute("aria-valuetext", "95 %");
    await watching.isAt(95);

    await page.getByRole("button", { name: "Settings" }).focus();
    await page.keyboard.press("Enter");
    await expect(page.getByRole("menuitem", { name: "Quality" })).toBeFocused();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await expect(page.getByRole("menuitemradio", { name: "Normal speed" })).toBeFocused();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    expect(await watching.read((video) => video.playbackRate)).toBe(1.25);
    await expect(page.getByRole("menu")).toBeHidden();
  });

  test("remembers the place and the volume", async ({ page }) => {
    await openStill(page);
    await page.keyboard.press("5");
    await watching.isAt(90);
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("ArrowDown");
    await page.reload();
    await watching.canPlay();
    await watching.isAt(90);
    expect(await watching.read((video) => video.volume)).toBeCloseTo(0.9);
    await expect(page.getByText("Continued at 1:30.")).toBeVisible();
    await page.getByRole("button", { name: "Start over" }).click();
    await watching.isAt(0);
    await page.reload();
    await watching.canPlay();
    await watching.isAt(0);
  });

  test("tells for a moment that it goes on where one was", async ({ page }) => {
    await openStill(page);
    await page.keyboard.press("5");
    await watching.isAt(90);
    await page.reload();
    await watching.canPlay();
    const continued = page.getByText("Continued at 1:30.");
    await expect(continued, "until it plays").toBeVisible();
    await watching.play();
    await expect(continued).toBeVisible();
    await expect(continued).toBeHidden();
    expect(await watching.time()).toBeGreaterThan(90);
  });

  test("shows its controls for as long as the keyboard is in them", async ({ page }) => {
    await openStill(page);
    await watching.play();
    const areShown = () =>
      page.getByText("/ 3:00").evaluate((time) => time.checkVisibility({ opacityProperty: true }));
    await page.mouse.move(10, 10);
    await expect.poll(areShown, "they go away by themselves").toBe(false);
    await page.getByRole("slider", { name: "Volume" }).focus();
    await page.keyboard.press("ArrowLeft");
    // Longer than they stay by themselves.
    await page.waitForTimeout(4000);
    expect(await areShown()).toBe(true);
    await page.evaluate(() => (document.activeElement as HTMLElement).blur());
    await expect.poll(areShown).toBe(false);
  });

  test("shows the captions of a stream, by key and by menu", async ({ page }) => {
    await addCaptions(page);
    await openStill(page);
    const shown = () =>
      watching.read((video) => {
        const shown = [...video.textTracks].filter(({ mode }) => mode === "showing");
        return shown.flatMap(({ activeCues }) => [...(activeCues ?? [])].map((cue) => (cue as VTTCue).text));
      });
    // Not where one ends and the next begins: Chromium shows both there.
    await page.keyboard.press("6");
    await page.keyboard.press("c");
    await expect(page.getByText("Captions on", { exact: true })).toBeVisible();
    await expect.poll(shown).toEqual(["The second half begins."]);
    await page.keyboard.press("1");
    await expect.poll(shown).toEqual(["It begins."]);
    await page.keyboard.press("c");
    await expect(page.getByText("Captions off", { exact: true })).toBeVisible();
    expect(await shown()).toEqual([]);
    await watching.choose("Captions", "English");
    await expect.poll(shown).toEqual(["It begins."]);
    await watching.choose("Captions", "Off");
    await expect.poll(shown).toEqual([]);
  });

  test("goes on in a window of its own", async ({ page }) => {
    await openStill(page);
    const isApart = () => page.evaluate(() => document.pictureInPictureElement !== null);
    await page.keyboard.press("i");
    await expect.poll(isApart).toBe(true);
    await page.keyboard.press("i");
    await expect.poll(isApart).toBe(false);
    await watching.player.hover();
    await page.getByRole("button", { name: "Picture in picture" }).click();
    await expect.poll(isApart).toBe(true);
  });

  test("shows how it goes in numbers", async ({ page }) => {
    await watching.open(`/watch/${id}`);
    await watching.play();
    await watching.player.hover();
    await page.getByRole("button", { name: "Settings" }).click();
    await page.getByRole("menuitemcheckbox", { name: "Statistics" }).click();
    const stats = page.getByRole("region", { name: "Statistics" });
    await expect(stats).toContainText(/Rung\s*(720|360)p, automatic/);
    await expect(stats).toContainText(/Picture\s*(1280 × 720|640 × 360) on \d+ × \d+/);
    await expect(stats).toContainText(/avc1\.\w+, mp4a\.40\.2/);
    await expect(stats).toContainText(/Buffer\s*\d+\.\d s ahead/);
    await expect(stats).toContainText(/Frames\s*\d+ dropped of [1-9]\d*/);
    await expect(stats).toContainText(/Network\s*[\d.]+ [kM]b\/s/);
    await page.getByRole("button", { name: "Close statistics" }).click();
    await expect(stats).toBeHidden();
  });

  test("goes on by itself when the network comes back", async ({ page, context }) => {
    await openStill(page);
    await page.keyboard.press("k");
    await context.setOffline(true);
    await page.keyboard.press("9");
    await expect(page.getByText("The connection is lost.")).toBeVisible();
    await context.setOffline(false);
    await expect(page.getByText("The connection is lost.")).toBeHidden();
    await expect.poll(() => watching.time()).toBeGreaterThan(162.5);
    await expect.poll(() => shownHue(page, watching.video)).toBeGreaterThanOrEqual(hueAt(162));

    // What stalls from now on does it for another reason.
    await page.route("**/*.m4s", () => {});
    await page.keyboard.press("5");
    await expect(page.getByRole("img", { name: "Loading" })).toBeVisible();
    await expect(page.getByText("The connection is lost.")).toBeHidden();
  });

  test("goes on when the service comes back after a while", async ({ page }) => {
    await openStill(page);
    await page.keyboard.press("k");
    await page.route("**/*.m4s", (route) => route.fulfill({ status: 503 }));
    await page.keyboard.press("9");
    await expect(page.getByText("The connection is lost.")).toBeVisible();
    await page.unroute("**/*.m4s");
    await page.getByRole("button", { name: "Try now" }).click();
    await expect.poll(() => watching.time()).toBeGreaterThan(162.5);
    await expect(page.getByText("The connection is lost.")).toBeHidden();
  });

  test("begins where its address says, though the first segments come only after a while", async ({
    page,
  }) => {
    await page.route("**/*.m4s", (route) => route.fulfill({ status: 503 }));
    await page.emulateMedia({ reducedMotion: "reduce" });
    await page.goto(`/watch/${id}?t=80`);
    await expect(watching.seekBar).toHaveAttribute("max", `${CLIP_SECS}`);
    await page.keyboard.press("k");
    await page.getByRole("button", { name: "Try now" }).click();
    await page.unroute("**/*.m4s");
    await expect.poll(() => watching.time()).toBeGreaterThan(80.2);
    expect(await watching.time()).toBeLessThan(90);
    await expect(page.getByText("The connection is lost.")).toBeHidden();
  });

  test("lets the browser play where there are no Media Source Extensions", async ({ page }) => {
    await page.addInitScript(() => {
      for (const name of ["MediaSource", "ManagedMediaSource", "WebKitMediaSource"]) {
        Reflect.deleteProperty(window, name);
      }
    });
    await openStill(page);
    expect(await watching.read((video) => video.src)).toMatch(/master\.m3u8$/);
    await page.keyboard.press("5");
    await watching.isAt(90);
    await page.keyboard.press("k");
    await expect.poll(() => watching.time()).toBeGreaterThan(91);
    await expect.poll(() => shownHue(page, watching.video)).toBe(hueAt(92));
  });
});

test.describe("a watch page", () => {
  test("is accessible, with the menu open, too", async ({ page }) => {
    await openStill(page);
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      expect(await violationsOf(page)).toEqual([]);
    }
    await page.getByRole("button", { name: "Settings" }).click();
    expect(await violationsOf(page)).toEqual([]);
  });

  test("gives its link and the code to embed it", async ({ page, context, service }) => {
    await context.grantPermissions(["clipboard-read", "clipboard-write"]);
    await openStill(page);
    await page.getByRole("button", { name: "Copy link" }).click();
    await expect(page.getByText("Link copied")).toBeVisible();
    const clipboard = () => page.evaluate(() => navigator.clipboard.readText());
    expect(await clipboard()).toBe(`${service.origin}/watch/${id}`);
    await page.getByRole("button", { name: "Copy embed code" }).click();
    await expect(page.getByText("Embed code copied")).toBeVisible();
    expect(await clipboard()).toContain(`<iframe src="${service.origin}/embed/${id}" title="Colours"`);
  });

  test("says so when there is no such video, or no service", async ({ page }) => {
    for (const unknown of ["01JD2Q4ZK8M3T9V7XN5RWB6CEH", "nonsense"]) {
      await page.goto(`/watch/${unknown}`);
      await expect(page.getByRole("heading", { name: "There is no such video" })).toBeVisible();
    }
    await page.route(`**/api/v1/videos/${id}`, (route) => route.abort());
    await page.goto(`/watch/${id}`);
    await expect(page.getByRole("heading", { name: "The video did not load" })).toBeVisible();
    await page.unroute(`**/api/v1/videos/${id}`);
    await page.getByRole("button", { name: "Try again" }).click();
    await watching.canPlay();
  });

  test("starts where its address says", async ({ page }) => {
    await openStill(page, `/watch/${id}?t=1m20s`);
    await watching.isAt(80);
  });
});

test.describe("an embedded player", () => {
  test("does as its parameters say", async ({ page }) => {
    await watching.open(`/embed/${id}?autoplay&muted&loop&t=100`);
    await expect.poll(() => watching.read((video) => video.paused)).toBe(false);
    await expect.poll(() => watching.time()).toBeGreaterThan(100);
    expect(await watching.read((video) => [video.muted, video.loop])).toEqual([true, true]);
    await expect(page.getByRole("banner")).toBeHidden();
    await page.keyboard.press("End");
    await expect.poll(() => watching.time(), "it begins again").toBeLessThan(20);
  });

  test("fills its frame, and loads nothing until it is played", async ({ page }) => {
    const segments: string[] = [];
    page.on("request", (request) => request.url().endsWith(".m4s") && segments.push(request.url()));
    await page.setViewportSize({ width: 320, height: 180 });
    await page.goto(`/embed/${id}`);
    await expect(page.getByRole("button", { name: "Play" }).first()).toBeVisible();
    expect(await watching.player.boundingBox()).toEqual({ x: 0, y: 0, width: 320, height: 180 });
    await page.waitForLoadState("networkidle");
    expect(segments).toEqual([]);
    await watching.play();
    await page.setViewportSize({ width: 800, height: 300 });
    expect(await watching.player.boundingBox()).toEqual({ x: 0, y: 0, width: 800, height: 300 });
  });

  test("shows the stills before it is played", async ({ page }) => {
    await page.goto(`/embed/${id}`);
    await expect(watching.seekBar).toHaveAttribute("max", `${CLIP_SECS}`);
    await watching.pointAt(97);
    const still = page.getByTestId("still");
    await expect(still).toBeVisible();
    await expect.poll(() => shownHue(page, still)).toBe(hueAt(97));
    await expect(page.getByText("not processed yet")).toHaveCount(0);
  });
});

test("an embedded player plays on pages of others, where all else of ours is refused", async ({
  page,
  context,
  service,
  complaints,
}) => {
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  await openStill(page);
  await page.getByRole("button", { name: "Copy embed code" }).click();
  await expect(page.getByText("Embed code copied")).toBeVisible();
  const code = await page.evaluate(() => navigator.clipboard.readText());

  // Another site, not only another port.
  const elsewhere = createServer((request, response) => {
    response.setHeader("content-type", "text/html");
    const watch = `<iframe src="${service.origin}/watch/${id}"></iframe>`;
    response.end(
      `<!doctype html><html lang="en"><title>Elsewhere</title>${request.url === "/" ? code : watch}`,
    );
  }).listen(0);
  const { port } = elsewhere.address() as AddressInfo;
  await page.goto(`http://localhost:${port}/`);
  const frame = page.frameLocator("iframe");
  await frame.getByRole("button", { name: "Play" }).first().click();
  const video = frame.locator("video");
  const time = () => video.evaluate((element) => (element as HTMLVideoElement).currentTime);
  await expect.poll(time).toBeGreaterThan(1);
  await expect.poll(() => shownHue(page, video)).toBe(hueAt(1));
  expect(complaints).toEqual([]);

  await page.goto(`http://localhost:${port}/watch`);
  await expect.poll(() => complaints.splice(0).join()).toMatch(/frame-ancestors/);
  elsewhere.close();
});

test.describe("on a phone", () => {
  test.use({ viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });

  test("is used by fingers", async ({ page }) => {
    await openStill(page);
    const { width } = (await watching.player.boundingBox())!;
    expect(width).toBe(390);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(390);

    await page.getByRole("button", { name: "Play", exact: true }).tap();
    await expect.poll(() => watching.time()).toBeGreaterThan(0.2);
    const areShown = () =>
      page.getByText("/ 3:00").evaluate((time) => time.checkVisibility({ opacityProperty: true }));
    await expect.poll(areShown, "the controls go away by themselves").toBe(false);
    const surface = page.getByTestId("surface");
    const box = (await surface.boundingBox())!;
    await page.touchscreen.tap(box.x + 60, box.y + 60);
    await page.getByRole("button", { name: "Pause" }).tap();
    await expect.poll(() => watching.read((video) => video.paused)).toBe(true);

    const time = await watching.time();
    await page.touchscreen.tap(box.x + 350, box.y + 60);
    await page.touchscreen.tap(box.x + 350, box.y + 60);
    await watching.isAt(time + 10);

    await page.getByRole("button", { name: "Settings" }).tap();
    await page.getByRole("menuitem", { name: "Quality" }).tap();
    await page.getByRole("menuitemradio", { name: "360p", exact: true }).tap();
    await expect.poll(() => watching.read((video) => video.videoHeight)).toBe(360);
  });

  test("is stopped by a finger while it stalls", async ({ page }) => {
    await page.route("**/*.m4s", () => {});
    await page.emulateMedia({ reducedMotion: "reduce" });
    await page.goto(`/watch/${id}`);
    await page.getByRole("button", { name: "Play", exact: true }).tap();
    await expect(page.getByRole("img", { name: "Loading" })).toBeVisible();
    await page.getByRole("button", { name: "Pause" }).tap();
    await expect.poll(() => watching.read((video) => video.paused)).toBe(true);
    await expect(page.getByRole("img", { name: "Loading" })).toHaveCount(0);
  });

  test("shows the statistics above its bars, where a finger plays then", async ({ page }) => {
    await openStill(page);
    await page.getByRole("button", { name: "Settings" }).tap();
    await page.getByRole("menuitemcheckbox", { name: "Statistics" }).tap();
    const stats = page.getByRole("region", { name: "Statistics" });
    await expect(stats).toContainText("Network");
    const { y, height } = (await stats.boundingBox())!;
    expect(y + height).toBeLessThanOrEqual((await watching.seekBar.boundingBox())!.y);
    const play = page.getByRole("button", { name: "Play", exact: true });
    await expect(play, "the one in the middle fades").toHaveCount(1);
    await play.tap();
    await expect.poll(() => watching.time()).toBeGreaterThan(0.2);
  });

  test("shows the stills while a finger drags", async ({ page, context }) => {
    await openStill(page);
    const finger = await context.newCDPSession(page);
    const bar = (await watching.seekBar.boundingBox())!;
    const at = (secs: number) => [{ x: bar.x + (bar.width * secs) / CLIP_SECS, y: bar.y + bar.height / 2 }];
    await finger.send("Input.dispatchTouchEvent", { type: "touchStart", touchPoints: at(20) });
    await finger.send("Input.dispatchTouchEvent", { type: "touchMove", touchPoints: at(97) });
    const still = page.getByTestId("still");
    await expect(still).toBeVisible();
    await expect.poll(() => shownHue(page, still)).toBe(hueAt(97));
    expect(await watching.time()).toBe(0);
    await finger.send("Input.dispatchTouchEvent", { type: "touchEnd", touchPoints: [] });
    await watching.isAt(97);
    await expect(still).toBeHidden();
  });
});

// The last one: afterwards the video is gone.
test("a video that is deleted while one watches is said to be", async ({ page, service }) => {
  await openStill(page);
  const segment = await page.evaluate(() => {
    return performance.getEntriesByType("resource").find(({ name }) => name.endsWith(".m4s"))?.name;
  });
  await fetch(`${service.api}/api/v1/videos/${id}`, { method: "DELETE" });
  // Until its files are gone, too, it just plays. The poster goes last: they go in the order of their names.
  const poster = new URL("../thumbs/poster.jpg?nocache=1", segment);
  await expect.poll(async () => (await fetch(poster)).status).toBe(404);
  await page.keyboard.press("9");
  await expect(page.getByRole("heading", { name: "This video has been deleted" })).toBeVisible();
});
