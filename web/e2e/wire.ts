// What lies between the page and the storage, and can be cut while something is on its way.

import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

/** A port that leads to another one, until it is cut. */
export class Wire {
  readonly #connections = new Set<Socket>();
  #isCut = false;

  private constructor(
    private readonly server: Server,
    to: number,
  ) {
    server.on("connection", (near) => this.#join(near, to));
  }

  /** Lays a wire to a port. */
  static async to(port: number): Promise<Wire> {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    return new Wire(server, port);
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** Breaks every connection where it is, and lets no other come about. */
  cut(): void {
    this.#isCut = true;
    this.#connections.forEach((connection) => connection.resetAndDestroy());
  }

  /** Lets connections come about again. */
  mend(): void {
    this.#isCut = false;
  }

  close(): void {
    this.cut();
    this.server.close();
  }

  #join(near: Socket, to: number): void {
    if (this.#isCut) return void near.resetAndDestroy();
    const far = connect(to, "127.0.0.1");
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#connections.add(one);
      one.pipe(other);
      one.on("error", () => other.destroy());
      one.on("close", () => {
        this.#connections.delete(one);
        other.destroy();
      });
    }
  }
}
