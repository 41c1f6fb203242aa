import { describe, expect, test } from "vitest";
import { AdversaryClient } from "../../../support/dtls/adversary-client.ts";
import { deviceCredential } from "../../../support/dtls/credentials.ts";
import { FakeEnvironment } from "../../../support/dtls/environment.ts";
import { Field, someAddress } from "../../../support/dtls/field.ts";
import { looksAt } from "../../../support/dtls/inspect.ts";
import { drop, dropFirst } from "../../../support/dtls/network.ts";
import { concat } from "../../../support/dtls/refragment.ts";
import { ecdheEcdsa } from "../../../support/dtls/settings.ts";
import { serverAddress } from "../../../support/dtls/under-test.ts";

/* The endpoint of `listen`, without its socket, among many clients on a bad network. */

const home = { address: "192.0.2.7", port: 50_000 };
const sendsIds = { connectionIds: { length: 0, make: () => new Uint8Array() } };

function adversaryIn(field: Field): AdversaryClient {
  const environment = new FakeEnvironment({ now: () => 0, prng: field.prng, keyShares: "pooled" });
  return new AdversaryClient({
    suite: ecdheEcdsa,
    prng: field.prng,
    environment,
    credential: deviceCredential(),
  });
}

describe("a client that begins anew from its address", () => {
  test.each([
    ["without connection ids", {}],
    ["with connection ids", sendsIds],
  ])("RFC 6347 §4.2.8: is served, and the old association ends (U2, R10) (%s)", (_, over) => {
    const field = new Field();
    field.settle(field.client(home, over));
    // The device lost power: it knows nothing of the first association.
    const again = field.settle(field.client(home, over));
    expect(again.session.established).toBe(true);
    expect(field.echo(again, "back")).toBe("back");
    expect(field.stats.sessions).toBe(1);
    expect(field.stats.replaced).toBe(1);
  });

  test("RFC 6347 §4.2.8: is served over a network that loses a third, again and again (U2, R10)", () => {
    const field = new Field(3);
    const faults = { drop: 0.3, reorder: 0.3, reorderMs: 500, duplicate: 0.2 };
    field.network.setFaults(serverAddress, faults);
    for (let boot = 0; boot < 30; boot += 1) {
      const client = field.settle(field.client(home, {}, faults));
      expect(client.session.established || client.session.closed, `boot ${boot}`).toBe(true);
    }
    field.network.heal();
    expect(field.echo(field.settle(field.client(home)), "back")).toBe("back");
    field.simulation.runFor(120_000);
    expect(field.stats.sessions).toBe(1);
    expect(field.stats.handshaking).toBe(0);
  });

  test("RFC 6347 §4.2.8: until the new Finished the old association lives, with data in between (U2, R10, C3)", () => {
    const field = new Field();
    const client = field.settle(field.client(home));
    const adversary = adversaryIn(field);
    field.network.onsend = ({ to, bytes }) => {
      if (to.port === home.port) adversary.hear([bytes]);
    };
    const steps = [
      () => adversary.clientHello(),
      () => adversary.clientHello(),
      () => adversary.certificate(),
      () => adversary.clientKeyExchange(),
      () => adversary.certificateVerify(),
      () => adversary.changeCipherSpec(),
    ];
    for (const [index, step] of steps.entries()) {
      field.network.inject(home, serverAddress, step());
      field.simulation.runFor(1);
      expect(field.echo(client, `step ${index}`)).toBe(`step ${index}`);
    }
    expect(field.stats.sessions).toBe(1);
    expect(field.stats.handshaking).toBe(1);
    field.network.inject(home, serverAddress, adversary.finished());
    field.simulation.runFor(1);
    expect(field.stats.replaced).toBe(1);
    expect(field.echo(client, "too late")).toBeUndefined();
  });

  test("RFC 6347 §4.2.8: a new handshake that comes to nothing leaves the old association as it was (R10, C3, B5)", () => {
    const field = new Field();
    const client = field.settle(field.client(home));
    const adversary = adversaryIn(field);
    field.network.onsend = ({ to, bytes }) => {
      if (to.port === home.port) adversary.hear([bytes]);
    };
    for (const datagram of [
      () => adversary.clientHello(),
      () => adversary.clientHello(),
      () => adversary.emptyCertificate(),
    ]) {
      field.network.inject(home, serverAddress, datagram());
      field.simulation.runFor(1);
    }
    field.network.onsend = undefined;
    field.simulation.runFor(70_000);
    expect(field.stats.handshaking).toBe(0);
    expect(field.echo(client, "still here")).toBe("still here");
  });

  test("RFC 6347 §4.2.8: spoofed ClientHellos, with and without cookies of other addresses, end nothing (C3, D4)", () => {
    const field = new Field();
    const client = field.settle(field.client(home));
    const elsewhere = { address: "203.0.113.9", port: 9 };
    const adversary = adversaryIn(field);
    field.network.onsend = ({ to, bytes }) => {
      if (to.port === elsewhere.port) adversary.hear([bytes]);
    };
    field.network.inject(elsewhere, serverAddress, adversary.clientHello());
    field.simulation.runFor(1);
    expect(adversary.cookie.length).toBeGreaterThan(0);
    for (let copy = 0; copy < 100; copy += 1) {
      field.network.inject(home, serverAddress, adversary.clientHello());
      field.network.inject(home, serverAddress, adversary.clientHello({ cookie: new Uint8Array() }));
      field.network.inject(home, serverAddress, adversary.clientHello({ cookie: field.prng.bytes(17) }));
    }
    field.simulation.runFor(100);
    expect(field.stats.handshakesStarted).toBe(1);
    expect(field.echo(client, "still here")).toBe("still here");
  });
});

describe("the cookie exchange", () => {
  test("one ClientHello gets one HelloVerifyRequest, however many stand in a datagram (D5)", () => {
    const field = new Field();
    const adversary = adversaryIn(field);
    const hello = adversary.clientHello();
    const sent: Uint8Array[] = [];
    field.network.onsend = ({ bytes }) => void sent.push(bytes);
    field.network.inject(home, serverAddress, concat([hello, hello, hello, hello]));
    field.simulation.runFor(10);
    expect(sent).toHaveLength(1);
    expect(sent.map(looksAt)).toEqual([["hello_verify_request"]]);
  });

  test("RFC 6347 §4.2.1: whatever an address sends that proved nothing, no more bytes go back than came (D1)", () => {
    const field = new Field();
    let out = 0;
    field.network.onsend = ({ bytes }) => void (out += bytes.length);
    const adversary = adversaryIn(field);
    for (let index = 0; index < 2000; index += 1) {
      const hello = adversary.clientHello(
        { random: field.prng.bytes(32), cookie: field.prng.bytes(field.prng.below(30)) },
        { messageSeq: index % 3 },
      );
      const datagram = index % 2 === 0 ? hello : hello.subarray(0, field.prng.below(hello.length));
      out = 0;
      field.network.inject(someAddress(index), serverAddress, datagram);
      field.simulation.runFor(0);
      expect(out).toBeLessThanOrEqual(datagram.length);
    }
    expect(field.stats.handshakesStarted).toBe(0);
  });

  test.each([256, 300, 400])(
    "a ClientHello in several datagrams of %i bytes is put together, its cookie checked (U5)",
    (mtu) => {
      const field = new Field();
      const alpnProtocols = Array.from({ length: 60 }, (_, index) => `protocol-number-${index}`);
      let hellos = 0;
      field.network.onsend = ({ bytes }) => {
        if (looksAt(bytes).includes("client_hello")) hellos += 1;
      };
      const client = field.client(home, { mtu, alpnProtocols });
      field.settle(client);
      // The server has no application protocol of its own, so that it ignores them.
      expect(client.session.established, String(client.session.error)).toBe(true);
      expect(hellos).toBeGreaterThan(6);
      expect(field.echo(client, "hello")).toBe("hello");
    },
  );

  test.each([0, 1, 2])(
    "the pieces of a ClientHello may be lost (number %i) or come in another order (U5)",
    (index) => {
      const field = new Field(5);
      const alpnProtocols = Array.from({ length: 60 }, (_, at) => `protocol-number-${at}`);
      const client = field.client(
        home,
        { mtu: 400, alpnProtocols },
        { fate: (_, nth) => (nth === index + 4 ? drop : undefined) },
      );
      field.settle(client);
      expect(client.session.established).toBe(true);
    },
  );
});

describe("handshakes beside each other", () => {
  test("one whose answers never come holds up no other (U1)", () => {
    const never = new Promise<never>(() => undefined);
    let asked = 0;
    const field = new Field(1, {
      verifyPeer: () => {
        asked += 1;
        return asked === 1 ? never : "known";
      },
    });
    const stuck = field.client(home);
    field.simulation.runFor(10);
    expect(asked).toBe(1);
    const other = field.settle(field.client({ ...home, port: 50_001 }));
    expect(other.session.established).toBe(true);
    expect(stuck.session.established).toBe(false);
    field.simulation.runFor(120_000);
    expect(stuck.session.closed).toBe(true);
    expect(field.stats.handshaking).toBe(0);
  });

  test("a failed handshake leaves nothing behind at its address (B5, U19)", () => {
    const field = new Field();
    const adversary = adversaryIn(field);
    field.network.onsend = ({ to, bytes }) => {
      if (to.port === home.port) adversary.hear([bytes]);
    };
    for (const make of [
      () => adversary.clientHello(),
      () => adversary.clientHello(),
      () => adversary.emptyCertificate(),
    ]) {
      field.network.inject(home, serverAddress, make());
      field.simulation.runFor(1);
    }
    field.network.onsend = undefined;
    expect(field.stats.handshakesFailed).toBe(1);
    const client = field.settle(field.client(home));
    expect(client.session.established).toBe(true);
    expect(field.echo(client, "hello")).toBe("hello");
  });

  test("1000 clients at once over a network that loses a fifth (U1, U8, U9)", () => {
    const field = new Field(7, { maxHandshakesPerHost: 1000 });
    const faults = { drop: 0.2, latencyMs: 40, reorder: 0.2, reorderMs: 200 };
    field.network.setFaults(serverAddress, faults);
    const clients = Array.from({ length: 1000 }, (_, index) =>
      field.client(someAddress(index), index % 2 === 0 ? sendsIds : {}, faults),
    );
    const open = () => clients.filter(({ session }) => session.established && !session.closed);
    field.simulation.runFor(120_000);
    expect(open().length).toBeGreaterThan(980);
    expect(field.endpoint.callbackErrors).toEqual([]);
    field.network.heal();
    for (const client of open()) client.send(Buffer.from("hello"));
    field.simulation.runFor(1000);
    expect(open().every(({ session }) => session.received.length === 1)).toBe(true);
    for (const client of open()) client.session.act((it) => it.close());
    field.simulation.runFor(120_000);
    expect(field.stats.sessions + field.stats.handshaking).toBeLessThanOrEqual(20);
  }, 60_000);

  test("clients that come, go silent and never say so are forgotten (U10)", () => {
    const field = new Field(8, { idleTimeout: 60_000 });
    for (let round = 0; round < 10; round += 1) {
      for (let index = 0; index < 50; index += 1) {
        const faults = index % 3 === 0 ? { fate: dropFirst("change_cipher_spec", 100) } : {};
        field.client(someAddress(round * 50 + index), {}, faults);
      }
      field.simulation.runFor(30_000);
    }
    expect(field.stats.sessions).toBeLessThanOrEqual(200);
    field.simulation.runFor(300_000);
    expect(field.stats.sessions).toBe(0);
    expect(field.stats.handshaking).toBe(0);
    expect(field.endpoint.sessions.size).toBe(0);
  }, 30_000);
});

describe("clients whose addresses change", () => {
  test("RFC 9146 §6: 200 clients behind one NAT that forgets them all at once (U4, G1)", () => {
    const field = new Field(9);
    const clients = Array.from({ length: 200 }, (_, index) => field.client(someAddress(index), sendsIds));
    field.simulation.runFor(1000);
    for (const [index, client] of clients.entries()) {
      field.network.rebind(client.address, { address: "203.0.113.1", port: 2000 + index });
    }
    for (const [index, client] of clients.entries()) {
      expect(field.echo(client, `client ${index}`)).toBe(`client ${index}`);
    }
    expect(field.stats.addressChanges).toBe(200);
    expect(field.stats.sessions).toBe(200);
  });

  test("an address that a NAT gives to another client is that one's, and the first keeps its association (U4, G1)", () => {
    const field = new Field();
    const outside = { address: "203.0.113.1", port: 2000 };
    const first = field.absentClient(home, sendsIds);
    field.network.rebind(home, outside);
    first.start();
    field.settle(first);
    field.network.rebind(home, { ...outside, port: 2001 });
    const second = field.absentClient({ ...home, port: 50_001 }, sendsIds, {}, "d2");
    field.network.rebind(second.address, outside);
    second.start();
    field.settle(second);
    expect(field.echo(second, "second")).toBe("second");
    expect(field.echo(first, "first")).toBe("first");
    expect(field.echo(second, "second again")).toBe("second again");
    expect(field.stats.sessions).toBe(2);
  });
});
