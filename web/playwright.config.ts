import { defineConfig } from "@playwright/test";

export default defineConfig({
  testDir: "e2e",
  outputDir: "test-results",
  // Each file starts a service of its own, which encodes: more than one at a time would measure the machine.
  workers: 1,
  fullyParallel: false,
  // A machine of CI may stand still for a while; what needed a second time is named.
  retries: process.env.CI ? 1 : 0,
  timeout: 90_000,
  expect: { timeout: 15_000 },
  reporter: process.env.CI ? "line" : "list",
  use: {
    browserName: "chromium",
    viewport: { width: 1280, height: 800 },
    // It takes pictures all the time, which costs as much as a test. CI tries again, and can wait for them until then.
    trace: process.env.CI ? "on-first-retry" : "retain-on-failure",
    launchOptions: {
      // Debian's: nothing is downloaded.
      executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
      args: [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
      ],
    },
  },
  projects: [
    { name: "tests", testMatch: "**/*.spec.ts" },
    // A trace takes pictures all the time, and keeps what is sent.
    { name: "measures", testMatch: "**/*.measure.ts", use: { trace: "off" } },
    { name: "screenshots", testMatch: "**/screenshots.ts" },
  ],
});
