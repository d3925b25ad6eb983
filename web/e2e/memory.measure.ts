// How much memory the browser takes while it sends 5 GB. It measures the machine too, so it is no test: `npm run memory`.

import { readFile } from "node:fs/promises";
import type { Browser } from "@playwright/test";
import { drop, film, scratchFolder } from "./files";
import { expect, test } from "./test";

const SIZE_BYTES = 5_000_000_000;

/** How often memory is looked at, in milliseconds. */
const LOOK_EVERY_MS = 500;

/** So much more than before the upload may the browser take, in bytes: a few parts and their checksums, and none that was sent. */
const ALLOWED_BYTES = 300_000_000;

test("the memory of the browser stays flat while it sends 5 GB", async ({ page, browser }, info) => {
  test.setTimeout(1_200_000);
  const folder = await scratchFolder();
  const file = await film(folder.path, "long.mp4", SIZE_BYTES);
  await page.goto("/");
  const before = await memoryOf(browser);
  const begun = Date.now();
  await drop(page, file);

  const row = page
    .getByRole("region", { name: /upload/i })
    .getByRole("listitem")
    .filter({ hasText: "long.mp4" });
  const samples: number[] = [];
  while (!/Uploaded|Ready/.test(await row.innerText())) {
    samples.push((await memoryOf(browser)) - before);
    await page.waitForTimeout(LOOK_EVERY_MS);
  }
  const secs = (Date.now() - begun) / 1000;
  await folder.remove();

  const inThird = (third: number) => {
    const length = Math.ceil(samples.length / 3);
    return megabytes(Math.max(...samples.slice(third * length, (third + 1) * length)));
  };
  const most = [0, 1, 2].map(inThird).join(", ");
  const said = `${megabytes(before)} before; at most ${most} more in each third of ${secs.toFixed(0)} s`;
  info.annotations.push({ type: "memory", description: said });
  console.log(said);
  expect(Math.max(...samples)).toBeLessThan(ALLOWED_BYTES);
});

/** Bytes that all processes of the browser have to themselves. */
async function memoryOf(browser: Browser): Promise<number> {
  const protocol = await browser.newBrowserCDPSession();
  const { processInfo } = await protocol.send("SystemInfo.getProcessInfo");
  await protocol.detach();
  const sizes = processInfo.map(async ({ id }) => {
    const status = await readFile(`/proc/${id}/status`, "utf8").catch(() => "");
    return Number(/RssAnon:\s+(\d+)/.exec(status)?.[1] ?? 0) * 1024;
  });
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}

const megabytes = (bytes: number) => `${Math.round(bytes / 1_000_000)} MB`;
