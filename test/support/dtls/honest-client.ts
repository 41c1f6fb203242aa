import type { Prng } from "../../../mitm/prng.ts";
import { deviceCredential, serverCredential } from "./credentials.ts";
import { clientSettings, ecdheEcdsa } from "./settings.ts";
import { ClientUnderTest } from "./under-test.ts";

/** A client that behaves, with a network that loses nothing: what it is owed it must get. */
export class HonestClient {
  readonly #client: ClientUnderTest;
  readonly #send: (datagram: Uint8Array) => void;
  readonly #inbox: Uint8Array[] = [];
  #echoes = 0;
  /** Every datagram of both directions, in order. */
  readonly seen: Uint8Array[] = [];

  constructor(prng: Prng, send: (datagram: Uint8Array) => void) {
    const connectionIds = prng.chance(0.5) ? { length: 0, make: () => new Uint8Array() } : undefined;
    this.#send = send;
    this.#client = new ClientUnderTest(clientSettings({ cipherSuites: [ecdheEcdsa], connectionIds }), {
      seed: prng.uint32(),
      application: {
        credentials: [deviceCredential()],
        known: new Map([["the gateway", serverCredential()]]),
      },
    });
  }

  /** What the server sends; taken up when its turn is over. */
  receive(datagram: Uint8Array): void {
    this.#inbox.push(datagram);
  }

  /** @throws Error when it does not come about */
  handshake(): this {
    this.#exchange(this.#client.start());
    if (!this.#client.established) {
      throw new Error(`an honest client has no session: ${String(this.#client.session.error)}`);
    }
    return this;
  }

  /** @throws Error when nothing comes back */
  echo(): void {
    const { session } = this.#client;
    const text = `hello ${(this.#echoes += 1)}`;
    session.act((it) => it.send(Buffer.from(text)));
    this.#exchange(this.#client.take());
    const answer = session.received.at(-1);
    if (Buffer.from(answer ?? []).toString() !== text) {
      throw new Error(`an honest client got no echo: ${String(session.error)}`);
    }
    session.received.length = 0;
    session.outputs.length = 0;
    session.discarded.length = 0;
    this.seen.length = 0;
  }

  leave(): void {
    this.#client.session.act((it) => it.close());
    this.#exchange(this.#client.take());
  }

  #exchange(datagrams: readonly Uint8Array[]): void {
    for (const datagram of datagrams) this.#post(datagram);
    for (let next = this.#inbox.shift(); next !== undefined; next = this.#inbox.shift()) {
      this.seen.push(next);
      for (const datagram of this.#client.feed(next)) this.#post(datagram);
    }
  }

  #post(datagram: Uint8Array): void {
    this.seen.push(datagram);
    this.#send(Uint8Array.from(datagram));
  }
}
