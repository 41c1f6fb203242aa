import { beforeAll, describe, expect, test } from "vitest";
import { certificate13, helloRequest } from "../../../../mitm/tls/messages.ts";
import { HandshakeType, type TlsVersion } from "../../../../mitm/tls/numbers.ts";
import { TicketKey } from "../../../../mitm/tls/tickets.ts";
import { duel, faceToFace, instead, leftOut } from "../../../support/mitm/tls-duel.ts";
import { Parties } from "../../../support/mitm/tls-parties.ts";

let parties: Parties;
beforeAll(async () => {
  parties = await Parties.create(["p256", "rsa:2048"]);
});

const hello = Buffer.from("hello");
const both: readonly TlsVersion[] = ["TLS 1.2", "TLS 1.3"];

function received(data: string) {
  return { kind: "data", data: Uint8Array.from(Buffer.from(data)) };
}

async function open(
  version: TlsVersion,
  tolerates: { client?: readonly string[] | "everything"; server?: readonly string[] | "everything" } = {},
) {
  const set = (of: readonly string[] | "everything" = []) => (of === "everything" ? of : new Set(of));
  const made = await duel(
    parties.client({ versions: [version], tolerates: set(tolerates.client) }),
    parties.server({ versions: [version], tolerates: set(tolerates.server) }),
  );
  expect(made.ofClient).toMatchObject({ completed: true, version });
  expect(made.ofServer).toMatchObject({ completed: true, version });
  return made;
}

for (const version of both) {
  describe(`records after the handshake, ${version}`, () => {
    test("a record that was altered", async () => {
      const { client, server } = await open(version);
      const record = client.records.write?.seal(23, hello) ?? new Uint8Array();
      record[record.length - 1] = (record.at(-1) ?? 0) ^ 1;
      client.records.sendRaw(record);
      const closed = await server.receive(5000);
      expect(closed).toMatchObject({ kind: "closed", how: expect.stringContaining("does not authenticate") });
      expect(await client.receive(5000)).toEqual({ kind: "alert", alert: "bad_record_mac", fatal: true });
    });

    test("a record that was altered, and nobody looks at the tag", async () => {
      const { client, server } = await open(version, { server: ["record-mac-not-verified"] });
      const record = client.records.write?.seal(23, hello) ?? new Uint8Array();
      record[record.length - 1] = (record.at(-1) ?? 0) ^ 1;
      client.records.sendRaw(record);
      expect(await server.receive(5000)).toMatchObject(received("hello"));
    });

    for (const [what, order] of [
      ["twice", [0, 0, 1]],
      ["in another order", [1, 0]],
      ["with one missing", [1]],
    ] as const) {
      test(`records ${what}`, async () => {
        for (const weak of [false, true]) {
          const tolerates = weak ? ["record-sequence-not-checked"] : [];
          const { client, server } = await open(version, { server: tolerates });
          const sealed = ["zero", "one"].map((text) => client.records.write?.seal(23, Buffer.from(text)));
          for (const index of order) client.records.sendRaw(sealed[index] ?? new Uint8Array());
          const got: unknown[] = [];
          for (const _ of order) got.push(await server.receive(5000));
          const texts = order.map((index) => received(["zero", "one"][index] ?? ""));
          const inOrder = texts.map((one) => expect.objectContaining(one));
          const refused = expect.arrayContaining([
            expect.objectContaining({ kind: "closed", how: expect.stringContaining("authenticate") }),
          ]);
          expect(got).toEqual(weak ? inOrder : refused);
        }
      });
    }

    test("a record in clear", async () => {
      for (const weak of [false, true]) {
        const { client, server } = await open(version, {
          server: weak ? ["unprotected-records-accepted"] : [],
        });
        client.records.send(23, hello, { protected: false });
        const got = await server.receive(5000);
        expect(got).toMatchObject(weak ? received("hello") : { kind: "closed" });
      }
    });

    test("a record that is too long", async () => {
      const { client, server } = await open(version);
      client.records.sendRaw(Uint8Array.of(23, 3, 3, 0xff, 0xff));
      expect(await server.receive(5000)).toMatchObject({ kind: "closed" });
      expect(await client.receive(5000)).toMatchObject({ kind: "alert", alert: "record_overflow" });
    });

    test("a record of 2^14 bytes, and of more than that inside", async () => {
      const { client, server } = await open(version);
      client.records.send(23, new Uint8Array(2 ** 14));
      expect(await server.receive(5000)).toMatchObject({ kind: "data" });
      client.records.send(23, new Uint8Array(2 ** 14 + 1));
      expect(await server.receive(5000)).toMatchObject({ kind: "closed" });
      expect(await client.receive(5000)).toMatchObject({ kind: "alert", alert: "record_overflow" });
    });

    test("what is no TLS", async () => {
      const { client, server } = await open(version);
      client.records.sendRaw(Buffer.from("GET / HTTP/1.1"));
      expect(await server.receive(5000)).toMatchObject({ how: expect.stringContaining('"GET / HTTP/1.1"') });
    });

    test("an empty handshake record", async () => {
      const { client, server } = await open(version);
      client.records.send(22, new Uint8Array());
      expect(await server.receive(5000)).toMatchObject({ kind: "closed" });
      expect(await client.receive(5000)).toMatchObject({ kind: "alert", alert: "unexpected_message" });
    });

    test("another record within a handshake message", async () => {
      const { client, server } = await open(version);
      client.records.send(22, Uint8Array.of(24, 0));
      client.records.send(23, hello);
      expect(await server.receive(5000)).toMatchObject({ kind: "closed" });
      expect(await client.receive(5000)).toMatchObject({ kind: "alert", alert: "unexpected_message" });
    });

    test("ChangeCipherSpec", async () => {
      for (const weak of [false, true]) {
        const { client, server } = await open(version, { server: weak ? ["early-change-cipher-spec"] : [] });
        client.records.send(20, Uint8Array.of(1), version === "TLS 1.3" ? { protected: false } : {});
        client.send(hello);
        expect(await server.receive(5000)).toMatchObject(weak ? received("hello") : { kind: "closed" });
      }
    });

    test("empty records of application data without end", async () => {
      for (const weak of [false, true]) {
        const { client, server } = await open(version, { server: weak ? ["flood-unbounded"] : [] });
        for (let sent = 0; sent < 100; sent += 1) client.send(new Uint8Array());
        client.send(hello);
        expect(await server.receive(5000)).toMatchObject(weak ? received("hello") : { kind: "closed" });
      }
    });

    test("close_notify, and what comes after half of the connection is closed", async () => {
      const { client, server } = await open(version);
      client.close();
      expect(await server.receive(5000)).toEqual({ kind: "closed", how: "close_notify" });
      server.send(hello);
      expect(await client.receive(5000)).toMatchObject(received("hello"));
      server.halfClose();
      expect(await client.receive(5000)).toEqual({ kind: "closed", how: "closed without close_notify" });
    });

    test("silence", async () => {
      const { client } = await open(version);
      expect(await client.receive(5)).toEqual({ kind: "silence" });
    });

    test("messages that share records change nothing", async () => {
      const options = { versions: [version], coalesce: true };
      const server = parties.server(options);
      const { client, ofClient } = await duel(parties.client(options), server);
      expect(ofClient).toMatchObject({ completed: true });
      client.send(hello);
      const records = server.recorder.packets.filter(({ from }) => from === "server");
      expect(records.length).toBeLessThan(5);
    });

    test("fragments of one byte and padding change nothing", async () => {
      const small = { versions: [version], fragmentLength: 1, padding: 3 };
      const made = await duel(parties.client(small), parties.server(small));
      expect(made.ofClient).toMatchObject({ completed: true });
      made.client.send(hello);
      for (const letter of "hello") expect(await made.server.receive(5000)).toMatchObject(received(letter));
    });
  });
}

describe("TLS 1.3 after the handshake", () => {
  test("KeyUpdate, both ways and asked for", async () => {
    const { client, server } = await open("TLS 1.3");
    for (let round = 0; round < 3; round += 1) {
      client.sendKeyUpdate(true);
      client.send(hello);
      expect(await server.receive(5000)).toMatchObject(received("hello"));
      server.send(Buffer.from("back"));
      expect(await client.receive(5000)).toMatchObject(received("back"));
    }
  });

  test("KeyUpdate without end", async () => {
    const { client, server } = await open("TLS 1.3");
    for (let sent = 0; sent < 40; sent += 1) client.sendKeyUpdate(false);
    expect(await server.receive(5000)).toMatchObject({ kind: "closed" });
  });

  test("a KeyUpdate of another value", async () => {
    const { client, server } = await open("TLS 1.3");
    client.sendHandshake({ msgType: HandshakeType.key_update, body: Uint8Array.of(2) });
    expect(await server.receive(5000)).toMatchObject({ kind: "closed" });
    expect(await client.receive(5000)).toMatchObject({ kind: "alert", alert: "illegal_parameter" });
  });

  test("a message that goes on after a change of keys", async () => {
    const { client, server } = await open("TLS 1.3");
    client.records.send(22, Buffer.concat([Uint8Array.of(24, 0, 0, 1, 0), Uint8Array.of(24, 0)]));
    expect(await server.receive(5000)).toMatchObject({
      how: expect.stringContaining("across a change of keys"),
    });
  });

  test("a CertificateRequest after the handshake", async () => {
    for (const weak of [false, true]) {
      const { client, server } = await open("TLS 1.3", {
        client: weak ? ["post-handshake-request-answered"] : [],
        server: ["post-handshake-certificate-accepted"],
      });
      const request = server.tls13?.certificateRequest();
      if (request === undefined) throw new Error("no TLS 1.3");
      server.sendHandshake(request, { transcribed: false });
      server.send(hello);
      expect(await client.receive(5000)).toMatchObject(weak ? received("hello") : { kind: "closed" });
      const answer = await server.receive(50);
      expect(answer).toMatchObject(
        weak ? { kind: "silence" } : { kind: "alert", alert: "unexpected_message" },
      );
    }
  });

  test("a Certificate that was not asked for", async () => {
    for (const weak of [false, true]) {
      const { client, server } = await open("TLS 1.3", {
        server: weak ? ["post-handshake-certificate-accepted"] : [],
      });
      const other = parties.the("device-rsa:2048").credential;
      client.sendHandshake(certificate13(other.chain), { attack: true });
      client.send(hello);
      expect(await server.receive(5000)).toMatchObject(weak ? received("hello") : { kind: "closed" });
      expect(server.peerChain[0]).toEqual((weak ? other : parties.the("device-p256").credential).chain[0]);
    }
  });
});

describe("renegotiation of TLS 1.2", () => {
  test("a strict server says no, and goes on", async () => {
    const { client, server } = await open("TLS 1.2", { client: "everything" });
    const [result] = await Promise.all([
      client.renegotiate(),
      server.receive(50).then((got) => expect(got).toEqual({ kind: "silence" })),
    ]);
    expect(result).toMatchObject({ completed: false, alert: "no_renegotiation" });
    client.send(hello);
    expect(await server.receive(5000)).toMatchObject(received("hello"));
  });

  for (const [what, rule] of [
    ["with the same certificate", undefined],
    ["with another certificate", "renegotiation-changes-certificate"],
  ] as const) {
    test(`a server that goes along, ${what}`, async () => {
      const rules = rule === undefined ? [] : [rule];
      const { client, server } = await open("TLS 1.2", {
        client: "everything",
        server: ["renegotiates", ...rules],
      });
      const { credential } = parties.the(rule === undefined ? "device-p256" : "device-rsa:2048");
      const served = server.receive(5000);
      expect(await client.renegotiate({ credential })).toMatchObject({ completed: true });
      client.send(hello);
      expect(await served).toMatchObject(received("hello"));
      expect(server.peerChain[0]).toEqual(credential.chain[0]);
    });
  }

  test("another certificate is refused by a server that goes along with the same one", async () => {
    const { client, server } = await open("TLS 1.2", { client: "everything", server: ["renegotiates"] });
    const { credential } = parties.the("device-rsa:2048");
    const served = server.receive(5000);
    expect(await client.renegotiate({ credential })).toMatchObject({
      completed: false,
      alert: "access_denied",
    });
    expect(await served).toMatchObject({ kind: "closed" });
  });

  test("one that the server asks for", async () => {
    const { client, server } = await open("TLS 1.2", { client: ["renegotiates"], server: "everything" });
    server.sendHandshake(helloRequest(), { transcribed: false });
    const renegotiated = client.receive(5000);
    const served = server.receive(5000);
    client.send(hello);
    expect(await served).toMatchObject(received("hello"));
    // The ClientHello comes with the next receive.
    const goesOn = server.receive(5000);
    server.send(Buffer.from("back"));
    expect(await renegotiated).toMatchObject(received("back"));
    client.send(hello);
    expect(await goesOn).toMatchObject(received("hello"));
  });

  test("a strict client answers a HelloRequest with no_renegotiation", async () => {
    const { client, server } = await open("TLS 1.2", { server: "everything" });
    server.sendHandshake(helloRequest(), { transcribed: false });
    expect(await client.receive(20)).toEqual({ kind: "silence" });
    expect(await server.receive(5000)).toEqual({ kind: "alert", alert: "no_renegotiation", fatal: false });
  });
});

for (const version of both) {
  describe(`resumption, ${version}`, () => {
    const tickets = () => ({ key: new TicketKey() });

    async function first(options: { key: TicketKey }) {
      const made = await duel(
        parties.client({ versions: [version], serverName: "gateway.test" }),
        parties.server({ versions: [version], tickets: options }),
      );
      expect(made.ofClient).toMatchObject({ completed: true, resumed: false });
      await made.client.receive(5);
      const session = made.client.sessions.at(-1);
      if (session === undefined) throw new Error("no ticket");
      return session;
    }

    test("by a ticket", async () => {
      const options = tickets();
      const session = await first(options);
      const made = await duel(
        parties.client({ versions: [version], serverName: "gateway.test", session }),
        parties.server({ versions: [version], tickets: options }),
      );
      expect(made.ofClient).toMatchObject({ completed: true, resumed: true });
      expect(made.ofServer).toMatchObject({ completed: true, resumed: true });
      expect(made.server.peerChain).toEqual(
        parties.the("device-p256").credential.chain.map((der) => Uint8Array.from(der)),
      );
      made.client.send(hello);
      expect(await made.server.receive(5000)).toMatchObject(received("hello"));
      made.server.send(hello);
      expect(await made.client.receive(5000)).toMatchObject(received("hello"));
    });

    const ways = {
      "ticket-lifetime-not-checked": { now: () => Date.now() + 8_000_000 },
      "ticket-domain-not-checked": { domain: "another" },
    } as const;
    for (const [rule, way] of Object.entries(ways)) {
      test(`${rule}: a full handshake, unless the rule is lacked`, async () => {
        for (const weak of [false, true]) {
          const options = tickets();
          const session = await first(options);
          const made = await duel(
            parties.client({ versions: [version], serverName: "gateway.test", session }),
            parties.server({
              versions: [version],
              tickets: { ...options, ...way },
              tolerates: new Set(weak ? [rule] : []),
            }),
          );
          expect(made.ofServer).toMatchObject({ completed: true, resumed: weak });
        }
      });
    }

    test("another server name", async () => {
      for (const weak of [false, true]) {
        const options = tickets();
        const session = await first(options);
        const made = await duel(
          parties.client({ versions: [version], serverName: "other.test", session }),
          parties.server({
            versions: [version],
            tickets: options,
            tolerates: new Set(weak ? ["ticket-server-name-not-checked"] : []),
          }),
        );
        expect(made.ofServer).toMatchObject({ completed: true, resumed: weak });
      }
    });

    test("an altered ticket", async () => {
      for (const weak of [false, true]) {
        const options = tickets();
        const session = await first(options);
        const ticket = Uint8Array.from(session.ticket);
        ticket[ticket.length - 1] = (ticket.at(-1) ?? 0) ^ 1;
        const made = await duel(
          parties.client({
            versions: [version],
            serverName: "gateway.test",
            session: { ...session, ticket },
          }),
          parties.server({
            versions: [version],
            tickets: options,
            tolerates: new Set(weak ? ["ticket-not-authenticated"] : []),
          }),
        );
        expect(made.ofServer).toMatchObject({ completed: true, resumed: weak });
      }
    });

    test("the peer is judged again", async () => {
      for (const weak of [false, true]) {
        const options = tickets();
        const session = await first(options);
        const made = await duel(
          parties.client({ versions: [version], serverName: "gateway.test", session }),
          parties.server({
            versions: [version],
            tickets: options,
            verifyPeer: () => "certificate_revoked",
            tolerates: new Set(weak ? ["resumption-not-rechecked"] : []),
          }),
        );
        expect(made.ofServer).toMatchObject(
          weak ? { completed: true, resumed: true } : { completed: false, alert: "certificate_revoked" },
        );
      }
    });
  });
}

describe("TLS 1.3: PSK binder and early data", () => {
  async function session(maxEarlyData: number, key: TicketKey) {
    const made = await duel(
      parties.client({ versions: ["TLS 1.3"] }),
      parties.server({ versions: ["TLS 1.3"], tickets: { key, maxEarlyData } }),
    );
    await made.client.receive(5);
    const [ticket] = made.client.sessions;
    if (ticket === undefined) throw new Error("no ticket");
    expect(ticket.maxEarlyData).toBe(maxEarlyData);
    return ticket;
  }

  test("a binder that does not fit", async () => {
    const key = new TicketKey();
    const resumed = await session(0, key);
    for (const weak of [false, true]) {
      const made = await duel(
        parties.client({
          versions: ["TLS 1.3"],
          session: resumed,
          tolerates: "everything",
          outgoing: instead({
            ClientHello: (body) => {
              const changed = Uint8Array.from(body);
              changed[changed.length - 1] = (changed.at(-1) ?? 0) ^ 1;
              return [{ kind: "handshake", msgType: HandshakeType.client_hello, body: changed }];
            },
          }),
        }),
        parties.server({
          versions: ["TLS 1.3"],
          tickets: { key },
          tolerates: new Set(weak ? ["psk-binder-not-verified"] : []),
        }),
      );
      expect(made.ofServer).toMatchObject(
        weak ? { completed: true, resumed: true } : { completed: false, alert: "decrypt_error" },
      );
    }
  });

  test("early data is passed over, or delivered before anything else", async () => {
    const key = new TicketKey();
    const resumed = await session(1000, key);
    for (const weak of [false, true]) {
      const made = await duel(
        parties.client({ versions: ["TLS 1.3"], session: resumed, earlyData: Buffer.from("early") }),
        parties.server({
          versions: ["TLS 1.3"],
          tickets: { key },
          tolerates: new Set(weak ? ["early-data-accepted"] : []),
        }),
      );
      expect(made.ofServer).toMatchObject({ completed: true, resumed: true });
      expect(made.client.tls13?.earlyDataAccepted).toBe(weak);
      made.client.send(Buffer.from("late"));
      for (const one of weak ? ["early", "late"] : ["late"]) {
        expect(await made.server.receive(5000)).toMatchObject(received(one));
      }
    }
  });

  test("a HelloRetryRequest, with a PSK too", async () => {
    const key = new TicketKey();
    const resumed = await session(0, key);
    for (const more of [{}, { session: resumed }]) {
      for (const groups of [[29, 23], [24]]) {
        const made = await duel(
          parties.client({ versions: ["TLS 1.3"], ...more }),
          parties.server({ versions: ["TLS 1.3"], tickets: { key }, helloRetry: true, groups }),
        );
        expect(made.ofServer).toMatchObject({ completed: true, resumed: "session" in more });
        expect(made.ofClient).toMatchObject({ completed: true });
      }
    }
  });
});

describe("no Finished at all", () => {
  for (const version of both) {
    for (const side of ["client", "server"] as const) {
      test(`${version}, of the ${side}`, async () => {
        for (const weak of [false, true]) {
          const attacker = {
            versions: [version],
            tolerates: "everything",
            outgoing: instead({ Finished: leftOut }),
          } as const;
          const victim = {
            versions: [version],
            tolerates: new Set(weak ? ["finished-not-required"] : []),
            answerMs: 200,
          };
          const { client, server } =
            side === "client"
              ? await half(parties.client(attacker), parties.server(victim), "client")
              : await half(parties.client(victim), parties.server(attacker), "server");
          const result = side === "client" ? server : client;
          expect(result).toMatchObject({ completed: weak });
        }
      });
    }
  }

  /** The attacker does not wait for an end of the handshake: it goes on to application data. */
  async function half(
    clientOptions: ReturnType<Parties["client"]>,
    serverOptions: ReturnType<Parties["server"]>,
    attacker: "client" | "server",
  ) {
    const { client, server } = faceToFace(clientOptions, serverOptions);
    if (attacker === "client") {
      const served = server.handshake();
      await client.hello();
      client.ownFlight();
      client.send(hello);
      return { client: undefined, server: await served };
    }
    const made = client.handshake();
    await server.hello();
    if (server.tls13 !== undefined) server.send(hello);
    const finished = server.finish();
    if (server.tls12 !== undefined) {
      await finished;
      server.send(hello);
    }
    const result = await made;
    client.destroy();
    await finished;
    return { client: result, server: undefined };
  }
});
