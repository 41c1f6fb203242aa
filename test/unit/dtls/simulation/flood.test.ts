import { expect, test } from "vitest";
import type { Address } from "../../../../dtls/association/settings.ts";
import { Prng } from "../../../../mitm/prng.ts";
import { deviceCredential } from "../../../support/dtls/credentials.ts";
import { EndpointNode } from "../../../support/dtls/endpoint-node.ts";
import { FakeEnvironment } from "../../../support/dtls/environment.ts";
import { Field, someAddress } from "../../../support/dtls/field.ts";
import { heapUsed } from "../../../support/dtls/heap.ts";
import { HonestClient } from "../../../support/dtls/honest-client.ts";
import { keyOf } from "../../../support/dtls/network.ts";
import { Simulation } from "../../../support/dtls/simulation.ts";

/* 100,000 ClientHellos from addresses that their sender does not have. */

const flood = 100_000;

/** An endpoint, and what went in and out of it by way of addresses that have nobody behind them. */
class Target {
  readonly prng = new Prng(1);
  readonly simulation = new Simulation();
  readonly endpoint: EndpointNode;
  bytesOut = 0;
  readonly #receivers = new Map<string, (datagram: Uint8Array) => void>();

  constructor() {
    const environment = new FakeEnvironment({
      now: () => this.simulation.now,
      prng: this.prng,
      keyShares: "pooled",
    });
    this.endpoint = new EndpointNode({
      simulation: this.simulation,
      environment,
      transmit: (datagram, to) => {
        const receiver = this.#receivers.get(keyOf(to));
        if (receiver) receiver(datagram);
        else this.bytesOut += datagram.length;
      },
      known: [deviceCredential()],
    });
  }

  /** `datagrams`: it falls silent after so many. */
  honestClient(address: Address, datagrams = Number.POSITIVE_INFINITY): HonestClient {
    let left = datagrams;
    const client = new HonestClient(this.prng, (datagram) => {
      if (left > 0) this.endpoint.receive(datagram, address);
      left -= 1;
    });
    this.#receivers.set(keyOf(address), (datagram) => client.receive(datagram));
    return client;
  }
}

/** A ClientHello as a client sent it, which every flood can begin with. */
function someHello(): Uint8Array {
  const field = new Field();
  let hello: Uint8Array | undefined;
  field.network.onsend = ({ bytes }) => {
    hello ??= Uint8Array.from(bytes);
  };
  field.client({ address: "192.0.2.1", port: 1 });
  return hello ?? new Uint8Array();
}

test.each([
  ["without a cookie", (hello: Uint8Array) => hello],
  ["with a made-up cookie", withCookie],
])(
  "a flood of 100,000 spoofed ClientHellos %s: memory stays, no more bytes out than in, nothing begins (D1, D3, D7)",
  (_, change) => {
    const target = new Target();
    const hello = Uint8Array.from(change(someHello(), target.prng));
    let bytesIn = 0;
    const send = (index: number): void => {
      // Another random each time, as different clients have.
      hello.set(target.prng.bytes(32), 27);
      bytesIn += hello.length;
      target.endpoint.receive(hello, someAddress(index));
    };
    for (let index = 0; index < flood / 10; index += 1) send(index);
    const before = heapUsed();
    for (let index = flood / 10; index < flood; index += 1) {
      send(index);
      if (index % 10_000 === 0) {
        const client = target.honestClient({ address: "192.0.2.99", port: 1000 + index / 10_000 });
        client.handshake();
        client.echo();
        client.leave();
      }
    }
    expect(heapUsed() - before).toBeLessThan(2_000_000);
    expect(target.bytesOut).toBeGreaterThan(0);
    expect(target.bytesOut).toBeLessThanOrEqual(bytesIn);
    const { stats } = target.endpoint.core;
    expect(stats.helloVerifyRequests).toBeGreaterThanOrEqual(flood);
    expect(stats.handshakesStarted).toBe(stats.handshakesFull);
    expect(stats.sessions + stats.handshaking).toBe(0);
  },
  60_000,
);

test("a cookie is good for its address and hello alone: 20,000 hellos with somebody's good cookie begin nothing (D4)", () => {
  const target = new Target();
  const client = target.honestClient({ address: "192.0.2.99", port: 1000 });
  client.handshake();
  // client_hello, hello_verify_request, and the client_hello with the cookie.
  const hello = client.seen[2] ?? new Uint8Array();
  const started = target.endpoint.core.stats.handshakesStarted;
  for (let index = 0; index < 20_000; index += 1) target.endpoint.receive(hello, someAddress(index));
  const other = Uint8Array.from(hello);
  for (let index = 0; index < 1000; index += 1) {
    other.set(target.prng.bytes(32), 27);
    target.endpoint.receive(other, { address: "192.0.2.99", port: 1000 });
  }
  // Another client behind the same NAT.
  for (let port = 1001; port < 2000; port += 1) {
    target.endpoint.receive(hello, { address: "192.0.2.99", port });
  }
  expect(target.endpoint.core.stats.handshakesStarted).toBe(started);
  client.echo();
});

test("a host that has real addresses and floods with good cookies stops at its limit, and others do not notice (D7)", () => {
  const target = new Target();
  for (let index = 0; index < 500; index += 1) {
    // It never goes on after its ClientHello with the cookie.
    const client = target.honestClient({ address: "203.0.113.1", port: 1000 + index }, 2);
    expect(() => client.handshake()).toThrow("no session");
  }
  const { stats } = target.endpoint.core;
  expect(stats.helloVerifyRequests).toBe(500);
  expect(stats.handshaking).toBe(100);
  expect(stats.discarded.too_many_from_host).toBe(400);
  target.honestClient({ address: "192.0.2.99", port: 1000 }).handshake().echo();
});

/** The cookie's length stands after client_version, random and an empty session_id. */
function withCookie(hello: Uint8Array, prng: Prng): Uint8Array {
  const cookieAt = 13 + 12 + 2 + 32 + 1;
  const cookie = prng.bytes(17);
  const bytes = Buffer.concat([
    hello.subarray(0, cookieAt),
    Uint8Array.of(cookie.length),
    cookie,
    hello.subarray(cookieAt + 1),
  ]);
  bytes.writeUInt16BE(bytes.length - 13, 11);
  bytes.writeUIntBE(bytes.length - 25, 14, 3);
  bytes.writeUIntBE(bytes.length - 25, 22, 3);
  return bytes;
}
