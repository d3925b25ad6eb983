// What every test of the pages begins with: a service of its own for each worker, and a page on which nothing may go wrong unseen.

import { test as base, type Page } from "@playwright/test";
import { startService, type Service } from "./server";

export { expect } from "@playwright/test";

interface Fixtures {
  /** What the console of the page said that it should not have, among it what the policy refused. A test may empty it. */
  complaints: string[];
}

interface WorkerFixtures {
  /** `streamforge up` with empty data, the pages before it. */
  service: Service;
}

/** Said by the browser about requests that tests make fail on purpose. */
const EXPECTED = /Failed to load resource|net::ERR_/;

export const test = base.extend<Fixtures, WorkerFixtures>({
  service: [
    // Playwright reads the names of what a fixture needs from this pattern.
    async ({}, use) => {
      const service = await startService();
      await use(service);
      await service.close();
    },
    { scope: "worker", timeout: 60_000 },
  ],
  baseURL: async ({ service }, use) => use(service.origin),
  complaints: [
    async ({ context }, use) => {
      const complaints: string[] = [];
      context.on("page", (page) => listen(page, complaints));
      await use(complaints);
      if (complaints.length > 0) throw new Error(`the page complained:\n${complaints.join("\n")}`);
    },
    { auto: true },
  ],
});

function listen(page: Page, complaints: string[]): void {
  page.on("pageerror", (error) => complaints.push(error.stack ?? error.message));
  page.on("console", (message) => {
    const isComplaint = message.type() === "error" || message.type() === "warning";
    if (isComplaint && !EXPECTED.test(message.text())) complaints.push(message.text());
  });
}
