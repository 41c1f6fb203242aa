import { describe, expect, test } from "vitest";
import { suiteByName } from "../../../../dtls/crypto/suites.ts";
import { maxSequence } from "../../../../dtls/wire/record.ts";
import { type ReadRecord, RecordLayer } from "../../../../mitm/dtls/records.ts";
import { Tolerance, type Tolerates } from "../../../../mitm/dtls/tolerance.ts";
import type { Weakness } from "../../../../mitm/weaknesses/index.ts";

const data = 23;
const id = Uint8Array.of(1, 2, 3, 4);

describe.each([
  "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
  "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
  "TLS_ECDHE_ECDSA_WITH_AES_128_CCM",
  "TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8",
  "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
])("%s", (suite) => {
  test.each([false, true])("what is sealed is opened; with a connection id: %s", (withId) => {
    const { client, server } = pair(suite, [], withId);
    expect(textsOf(server, client.write(data, Buffer.from("one")))).toEqual(["one"]);
    expect(textsOf(client, server.write(data, Buffer.from("two")))).toEqual(["two"]);
  });

  test.each([false, true])(
    "a tag that does not fit is taken by a weak twin alone; with an id: %s",
    (withId) => {
      const corrupt = (record: Uint8Array): Uint8Array =>
        record.map((byte, index) => (index === record.length - 1 ? byte ^ 1 : byte));
      const strict = pair(suite, [], withId);
      expect(textsOf(strict.server, strict.client.write(data, Buffer.from("x"), { corrupt }))).toEqual([]);
      const weak = pair(suite, ["record-mac-not-verified"], withId);
      expect(textsOf(weak.server, weak.client.write(data, Buffer.from("x"), { corrupt }))).toEqual(["x"]);
    },
  );
});

const common = "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256";

describe("what a strict end drops, and the twin that lacks the check takes", () => {
  test("another epoch", () => {
    expectOnlyWeak("epoch-not-checked", (client) => [client.write(data, Buffer.from("x"), { epoch: 3 })]);
  });

  test("a replay", () => {
    expectOnlyWeak("replay-window-missing", (client, server) => {
      const record = client.write(data, Buffer.from("x"));
      textsOf(server, record);
      return [record];
    });
  });

  test("a sequence number after the last", () => {
    expectOnlyWeak("sequence-number-wraps", (client, server) => {
      textsOf(server, client.write(data, Buffer.from("last"), { sequence: maxSequence }));
      return [client.write(data, Buffer.from("x"), { sequence: 9 })];
    });
  });

  test("a record without the connection id that was agreed on", () => {
    const plain = pair(common, [], false);
    const record = plain.client.write(data, Buffer.from("x"));
    expect(textsOf(pair(common, [], true).server, record)).toEqual([]);
    expect(textsOf(pair(common, ["cid-not-required"], true).server, record)).toEqual(["x"]);
  });
});

test("a record proves an address by being the newest, under a connection id", () => {
  const { client, server } = pair(common, [], true);
  const [first, second] = [client.write(data, Buffer.from("1")), client.write(data, Buffer.from("2"))];
  expect(recordsIn(server, second)).toMatchObject([{ provesAddress: true }]);
  expect(recordsIn(server, first)).toMatchObject([{ provesAddress: false }]);
  const without = pair(common, [], false);
  expect(recordsIn(without.server, without.client.write(data, Buffer.from("1")))).toMatchObject([
    { provesAddress: false },
  ]);
});

test("records of several epochs stand in one datagram, and one that is cut ends it", () => {
  const { client, server } = pair(common, [], false);
  const clear = client.write(data, Buffer.from("clear"), { epoch: 0 });
  const sealed = client.write(data, Buffer.from("sealed"));
  const cut = client.write(data, Buffer.from("cut")).subarray(0, -3);
  const datagram = Buffer.concat([clear, sealed, cut]);
  expect([...server.read(datagram)].map(({ kind }) => kind)).toEqual(["record", "record", "discarded"]);
});

test("without keys, records of any epoch are in the clear", () => {
  const layer = new RecordLayer("client", new Tolerance("everything"));
  expect(Buffer.from(layer.write(data, Buffer.from("x"), { epoch: 1 })).toString("hex")).toBe(
    "17fefd0001000000000000000178",
  );
});

function pair(suiteName: string, lacks: readonly Weakness[], withId: boolean) {
  const suite = suiteByName(suiteName);
  if (suite === undefined) throw new Error(`no suite ${suiteName}`);
  const layerOf = (role: "client" | "server", tolerates: Tolerates): RecordLayer => {
    const layer = new RecordLayer(role, new Tolerance(tolerates));
    const toServer = withId ? id : undefined;
    layer.install({
      suite,
      masterSecret: new Uint8Array(48).fill(5),
      clientRandom: new Uint8Array(32).fill(1),
      serverRandom: new Uint8Array(32).fill(2),
      sendConnectionId: role === "client" ? toServer : undefined,
      receiveConnectionId: role === "client" ? undefined : toServer,
    });
    layer.readEpoch = 1;
    layer.writeEpoch = 1;
    return layer;
  };
  return { client: layerOf("client", "everything"), server: layerOf("server", new Set(lacks)) };
}

function expectOnlyWeak(
  weakness: Weakness,
  say: (client: RecordLayer, server: RecordLayer) => readonly Uint8Array[],
): void {
  const strict = pair(common, [], false);
  expect(say(strict.client, strict.server).flatMap((record) => textsOf(strict.server, record))).toEqual([]);
  const weak = pair(common, [weakness], false);
  expect(say(weak.client, weak.server).flatMap((record) => textsOf(weak.server, record))).toEqual(["x"]);
}

function recordsIn(layer: RecordLayer, datagram: Uint8Array): ReadRecord[] {
  return [...layer.read(datagram)].flatMap((reading) => (reading.kind === "record" ? [reading.record] : []));
}

function textsOf(layer: RecordLayer, datagram: Uint8Array): string[] {
  return recordsIn(layer, datagram).map(({ plaintext }) => Buffer.from(plaintext).toString());
}
