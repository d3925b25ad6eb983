import { readFile } from "node:fs/promises";
import { schemaOf } from "../scripts/api.js";
import { landscape } from "./landscape";
import { expect, test } from "./test";
import { uploadWhole, Watching } from "./watching";

test("every page keeps to the policy, and asks nobody else for anything", async ({
  page,
  service,
  complaints,
}) => {
  const { id } = await uploadWhole(service.api, await landscape("mist", 12), "Fog");
  const origins = new Set<string>();
  page.on("request", (request) => {
    if (!request.url().startsWith("blob:")) origins.add(new URL(request.url()).origin);
  });
  for (const path of ["/", `/watch/${id}`, `/embed/${id}`, "/nowhere"]) {
    const answer = await page.goto(path);
    const policy = (await answer?.headerValue("content-security-policy")) ?? "";
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toContain("unsafe");
  }
  const watching = new Watching(page);
  await watching.open(`/watch/${id}`);
  await watching.play();
  expect([...origins]).toEqual([service.origin]);
  expect(complaints).toEqual([]);

  // That nothing complained proves something only if the policy does refuse.
  await page.evaluate(() => {
    const script = document.createElement("script");
    script.textContent = "document.title = 'owned'";
    document.body.append(script);
  });
  await expect(page).not.toHaveTitle("owned");
  expect(complaints.splice(0).join()).toMatch(/Content Security Policy/);
});

test("the types of the API are those of this service", async ({ service }) => {
  const written = await readFile(new URL("../src/api/schema.ts", import.meta.url), "utf8");
  expect(written, "run `npm run api`").toBe(await schemaOf(service.api));
});
