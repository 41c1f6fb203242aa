import { describe, expect, test } from "vitest";
import { looksAt } from "../../../support/dtls/inspect.ts";
import { drop, dropFirst, type Fate } from "../../../support/dtls/network.ts";
import { Pair, type PairOptions } from "../../../support/dtls/pair.ts";
import { suiteNamed } from "../../../support/dtls/settings.ts";

const suites = [
  "TLS_PSK_WITH_AES_128_CCM_8",
  "TLS_PSK_WITH_AES_256_GCM_SHA384",
  "TLS_ECDHE_PSK_WITH_AES_128_CCM_8_SHA256",
  "TLS_ECDHE_PSK_WITH_AES_128_GCM_SHA256",
].map(suiteNamed);
const key = Buffer.from("a secret that both have");

function pairWith(
  suite: (typeof suites)[number],
  clientKey: Uint8Array = key,
  options: PairOptions = {},
): Pair {
  return new Pair({
    ...options,
    client: { cipherSuites: [suite], ...options.client },
    server: { cipherSuites: [suite], ...options.server },
    clientApplication: { psk: { identity: "d1", key: clientKey } },
    serverApplication: { pskStore: new Map([["d1", key]]) },
  });
}

describe.each(suites)("$name", (suite) => {
  test.each([undefined, "hint"])("RFC 4279 §2: both sides know the identity (hint: %s) (R6)", (hint) => {
    const pskIdentityHint = hint === undefined ? undefined : Buffer.from(hint);
    const pair = pairWith(suite, key, { server: { pskIdentityHint } }).handshake();
    expect(pair.established).toBe(true);
    const { peer } = pair.serverSession.association;
    expect(peer?.certificateType).toBe("PSK");
    expect(Buffer.from(peer?.pskIdentity ?? []).toString()).toBe("d1");
    expect(pair.clientSession.association.peer?.certificateType).toBe("PSK");
    expect(pair.echo("hello")).toBe("hello");
  });

  test("another key fails within seconds on both sides, and says what is most likely (U15)", () => {
    const pair = pairWith(suite, Buffer.from("another"));
    pair.client.start();
    pair.simulation.runFor(60_000);
    expect(pair.serverSession.error?.code).toBe("DTLS_PSK_MISMATCH");
    expect(pair.serverSession.closedAt).toBeLessThan(10_000);
    expect(pair.serverSession.established || pair.clientSession.established).toBe(false);
    expect(pair.clientSession.closed).toBe(true);
  });

  test("an identity that is unknown is not let in, and looks like a wrong key from outside (R6)", () => {
    const pair = new Pair({
      client: { cipherSuites: [suite] },
      server: { cipherSuites: [suite] },
      clientApplication: { psk: { identity: "nobody", key } },
      serverApplication: { pskStore: new Map([["d1", key]]) },
    });
    pair.client.start();
    pair.simulation.runFor(70_000);
    expect(pair.serverSession.established).toBe(false);
    expect(["DTLS_UNKNOWN_PSK_IDENTITY", "DTLS_PSK_MISMATCH"]).toContain(pair.serverSession.error?.code);
    const stranger = pair.sentBy("server").map(({ looks }) => looks.join());
    const wrong = pairWith(suite, Buffer.from("another"));
    wrong.client.start();
    wrong.simulation.runFor(70_000);
    expect(new Set(stranger)).toEqual(new Set(wrong.sentBy("server").map(({ looks }) => looks.join())));
  });

  test("RFC 4279 §5.3: keys of 64 bytes and identities of 128 (R6)", () => {
    const long = Buffer.alloc(64, 7);
    const identity = "i".repeat(128);
    const pair = new Pair({
      client: { cipherSuites: [suite] },
      server: { cipherSuites: [suite] },
      clientApplication: { psk: { identity, key: long } },
      serverApplication: { pskStore: new Map([[identity, long]]) },
    }).handshake();
    expect(pair.established).toBe(true);
  });

  test("a lost last flight is no wrong key (U15, R4.4)", () => {
    const pair = pairWith(suite, key, {
      clientFaults: { fate: dropFirst("change_cipher_spec", 2) },
      serverFaults: { fate: dropFirst("change_cipher_spec", 2) },
    }).handshake();
    expect(pair.established).toBe(true);
  });

  test("a Finished that was damaged on the way is no wrong key, though the next ones are lost (U15)", () => {
    let flight = 0;
    const fate = (bytes: Uint8Array): Fate | undefined => {
      if (!looksAt(bytes).includes("change_cipher_spec")) return undefined;
      flight += 1;
      if (flight > 1) return flight < 4 ? drop : undefined;
      const damaged = Uint8Array.from(bytes);
      damaged[damaged.length - 1] = (damaged.at(-1) ?? 0) ^ 1;
      return { kind: "replace", datagrams: [damaged] };
    };
    const pair = pairWith(suite, key, { clientFaults: { fate } }).handshake();
    expect(pair.serverSession.discarded).toContain("bad_record_mac");
    expect(pair.established, String(pair.serverSession.error)).toBe(true);
    expect(pair.simulation.now).toBe(7000);
  });

  test("one record of the next epoch that does not open is no wrong key: anybody can have sent it (U15, C2)", () => {
    const junk = Buffer.concat([Buffer.from("16fefd0001000000000000002a", "hex"), Buffer.alloc(42)]);
    const pair = pairWith(suite, key, {
      clientFaults: { fate: dropFirst("change_cipher_spec", 3) },
    });
    pair.network.inject(pair.client.address, pair.server.address, junk, 1);
    pair.network.inject(pair.server.address, pair.client.address, junk, 1);
    pair.handshake();
    expect(pair.established, String(pair.serverSession.error ?? pair.clientSession.error)).toBe(true);
  });
});
