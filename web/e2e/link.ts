// The connection of a page: slow, cut, and looked at.

import type { CDPSession, Page, Request } from "@playwright/test";

/** What a page has to send over. */
export class Link {
  private constructor(private readonly protocol: CDPSession) {}

  /** The link of a page, as fast as the machine. */
  static async of(page: Page): Promise<Link> {
    const protocol = await page.context().newCDPSession(page);
    await protocol.send("Network.enable");
    return new Link(protocol);
  }

  /** Lets so many bytes per second go up, so that uploads have a middle. */
  async slow(bytesPerSec: number): Promise<void> {
    await this.#be({ offline: false, uploadThroughput: bytesPerSec });
  }

  /** Lets all go as fast as it can. */
  async free(): Promise<void> {
    await this.#be({ offline: false, uploadThroughput: -1 });
  }

  /** Lets nothing begin any more, as on a device that is offline. What is on its way still arrives; a `Wire` cuts that too. */
  async cut(): Promise<void> {
    await this.#be({ offline: true, uploadThroughput: -1 });
  }

  async #be(conditions: { offline: boolean; uploadThroughput: number }): Promise<void> {
    await this.protocol.send("Network.emulateNetworkConditions", {
      latency: 0,
      downloadThroughput: -1,
      ...conditions,
    });
  }
}

/** The parts that a page sends to the storage. */
export class SentParts {
  /** Numbers of the parts that were begun, in order. */
  readonly begun: number[] = [];
  /** Numbers of the parts that the storage took. */
  readonly taken: number[] = [];
  /** Sizes of these, told later than that they were taken. */
  private sizes: Promise<number>[] = [];

  constructor(page: Page) {
    page.on("request", (request) => {
      const part = partOf(request);
      if (part !== undefined) this.begun.push(part);
    });
    page.on("response", (response) => {
      const part = partOf(response.request());
      if (part === undefined || !response.ok()) return;
      this.taken.push(part);
      this.sizes.push(sizeOf(response.request()));
    });
  }

  /** Forgets what was sent so far. */
  clear(): void {
    this.begun.length = 0;
    this.taken.length = 0;
    this.sizes = [];
  }

  /** Bytes that the storage took. */
  async takenBytes(): Promise<number> {
    const sizes = await Promise.all(this.sizes);
    return sizes.reduce((sum, size) => sum + size, 0);
  }
}

async function sizeOf(request: Request): Promise<number> {
  return Number((await request.allHeaders())["content-length"]);
}

function partOf(request: Request): number | undefined {
  const part = new URL(request.url()).searchParams.get("partNumber");
  return request.method() === "PUT" && part !== null ? Number(part) : undefined;
}
