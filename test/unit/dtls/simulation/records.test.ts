import { describe, expect, test } from "vitest";
import { recordsIn } from "../../../support/dtls/inspect.ts";
import { drop, type Fate } from "../../../support/dtls/network.ts";
import { Pair } from "../../../support/dtls/pair.ts";
import { concat, withHeaderOf } from "../../../support/dtls/refragment.ts";

function texts(received: readonly Uint8Array[]): string[] {
  return received.map((data) => Buffer.from(data).toString());
}

describe("replay", () => {
  test("RFC 6347 §4.1.2.6: every datagram of an association again, in any order, does nothing (F1, R1.6)", () => {
    const pair = new Pair().handshake();
    for (const text of ["a", "b", "c"]) expect(pair.echo(text)).toBe(text);
    const seen = [...pair.sent];
    const before = pair.serverSession.received.length;
    for (const { from, to, bytes } of [...seen, ...seen.toReversed()]) pair.network.inject(from, to, bytes);
    pair.simulation.runFor(5000);
    expect(pair.serverSession.received).toHaveLength(before);
    expect(pair.clientSession.received).toHaveLength(3);
    expect(pair.clientSession.closed || pair.serverSession.closed).toBe(false);
    expect(pair.echo("d")).toBe("d");
  });

  test("RFC 6347 §4.1.2.6: the window moves only by what has verified (F1)", () => {
    const pair = new Pair().handshake();
    // A record far ahead that nobody sealed: if it moved the window, all that comes after would be old.
    const forged = withHeaderOf({ type: 23, version: 0xfefd, epoch: 1 }, 2 ** 48 - 2, new Uint8Array(40));
    pair.network.inject(pair.client.address, pair.server.address, forged);
    pair.network.inject(pair.server.address, pair.client.address, forged);
    pair.simulation.runFor(10);
    expect(pair.serverSession.discarded).toContain("bad_record_mac");
    expect(pair.echo("hello")).toBe("hello");
  });

  test("RFC 6347 §4.1.2.6: records come in any order within the window of 64, each once (F1)", () => {
    const pair = new Pair({ seed: 5 }).handshake();
    pair.server.echo = false;
    pair.network.setFaults(pair.client.address, { reorder: 1, reorderMs: 100, duplicate: 1 });
    const sent = Array.from({ length: 60 }, (_, index) => String(index));
    for (const text of sent) pair.client.send(Buffer.from(text));
    pair.simulation.runFor(1000);
    expect(texts(pair.serverSession.received).toSorted()).toEqual(sent.toSorted());
  });

  test.each([1, 63, 64, 65, 1000])(
    "RFC 6347 §4.1.2.6: a burst of %i lost records ends nothing (F4)",
    (lost) => {
      const pair = new Pair().handshake();
      pair.network.setFaults(pair.client.address, { fate: (_, nth) => (nth < lost ? drop : undefined) });
      for (let record = 0; record < lost; record += 1) pair.client.send(Buffer.from("lost"));
      expect(pair.echo("hello")).toBe("hello");
    },
  );
});

describe("what is not a record", () => {
  test("RFC 6347 §4.1.2.7: after a record with a false length the rest of the datagram is dropped, what was before counts (R1.1, R1.3)", () => {
    const pair = new Pair().handshake();
    pair.server.echo = false;
    pair.network.setFaults(pair.client.address, {
      fate: (bytes): Fate => {
        const cut = Uint8Array.from(bytes);
        cut[12] = (cut[12] ?? 0) + 1;
        return { kind: "replace", datagrams: [concat([bytes, cut])] };
      },
    });
    pair.client.send(Buffer.from("hello"));
    pair.simulation.runFor(10);
    expect(texts(pair.serverSession.received)).toEqual(["hello"]);
    expect(pair.serverSession.discarded.at(-1)).toBe("malformed_record");
  });

  test("RFC 6347 §4.1.2.7: a record of which any one bit was changed is dropped in silence (R1.3)", () => {
    const pair = new Pair().handshake();
    pair.server.echo = false;
    pair.network.setFaults(pair.client.address, { fate: () => drop });
    pair.client.send(Buffer.from("hello"));
    const sealed = pair.sentBy("client").at(-1)?.bytes ?? new Uint8Array();
    const before = pair.sent.length;
    for (let bit = 0; bit < 8 * sealed.length; bit += 1) {
      const damaged = Uint8Array.from(sealed);
      damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      pair.network.inject(pair.client.address, pair.server.address, damaged);
    }
    pair.simulation.runFor(1000);
    expect(pair.serverSession.received).toEqual([]);
    expect(pair.sent).toHaveLength(before);
    expect(pair.serverSession.closed).toBe(false);
    // It was left out of the window: the true one is still good.
    pair.network.inject(pair.client.address, pair.server.address, sealed);
    pair.simulation.runFor(10);
    expect(texts(pair.serverSession.received)).toEqual(["hello"]);
  });

  test.each([
    ["nothing", new Uint8Array()],
    ["one byte", Uint8Array.of(22)],
    ["half a header", Uint8Array.of(22, 0xfe, 0xfd, 0, 0, 0)],
    ["zeros", new Uint8Array(1200)],
    ["text", Buffer.from("GET / HTTP/1.1\r\n\r\n")],
    [
      "an empty record of each type",
      concat(
        [20, 21, 22, 23, 25, 27].map((type) =>
          withHeaderOf({ type, version: 0xfefd, epoch: 0 }, 1, new Uint8Array()),
        ),
      ),
    ],
    [
      "an empty record of epoch 1",
      withHeaderOf({ type: 23, version: 0xfefd, epoch: 1 }, 90, new Uint8Array()),
    ],
    ["a record of DTLS 1.3's unified header", Uint8Array.of(0x2f, 1, 2, 0, 16, ...new Uint8Array(16))],
  ])("a datagram of %s ends nothing, in any state (R1.3, D6)", (_, bytes) => {
    const pair = new Pair({ clientFaults: { latencyMs: 20 }, serverFaults: { latencyMs: 20 } });
    pair.client.start();
    for (let time = 0; time < 300; time += 5) {
      pair.network.inject(pair.client.address, pair.server.address, bytes, time);
      pair.network.inject(pair.server.address, pair.client.address, bytes, time);
    }
    pair.simulation.runUntil(() => pair.established, 10_000);
    expect(pair.established).toBe(true);
    pair.simulation.runFor(300);
    expect(pair.echo("hello")).toBe("hello");
  });

  test("RFC 6347 §4.1: in a record of another version nothing is read (R1.2)", () => {
    const pair = new Pair().handshake();
    pair.server.echo = false;
    pair.network.setFaults(pair.client.address, {
      fate: (bytes): Fate => {
        const other = Uint8Array.from(bytes);
        other[2] = 0xff;
        return { kind: "replace", datagrams: [other] };
      },
    });
    pair.client.send(Buffer.from("hello"));
    pair.simulation.runFor(10);
    expect(pair.serverSession.received).toEqual([]);
  });
});

describe("sizes", () => {
  test.each([64, 100, 512])(
    "RFC 8449 §4: no record that is sent holds more than the peer's record_size_limit of %i (R13)",
    (recordSizeLimit) => {
      const pair = new Pair({ client: { recordSizeLimit }, server: { recordSizeLimit: 16_384 } }).handshake();
      expect(pair.established).toBe(true);
      const max = pair.serverSession.association.maxPlaintext;
      expect(max).toBeLessThanOrEqual(recordSizeLimit);
      pair.server.echo = false;
      pair.serverSession.act((it) => it.send(new Uint8Array(max)));
      pair.simulation.runFor(10);
      expect(pair.clientSession.received.at(-1)).toHaveLength(max);
      const tooLong = () => pair.serverSession.act((it) => it.send(new Uint8Array(max + 1)));
      expect(tooLong).toThrow(expect.objectContaining({ code: "DTLS_MESSAGE_SIZE" }));
      expect(pair.serverSession.closed).toBe(false);
    },
  );

  test.each([512, 1024, 2048, 4096] as const)(
    "RFC 6066 §4: with max_fragment_length no record holds more than %i, in either direction (R13)",
    (maxFragmentLength) => {
      const pair = new Pair({ client: { maxFragmentLength, mtu: 9000 }, server: { mtu: 9000 } }).handshake();
      expect(pair.established).toBe(true);
      expect(pair.clientSession.association.maxPlaintext).toBe(maxFragmentLength);
      expect(pair.serverSession.association.maxPlaintext).toBe(maxFragmentLength);
      const plaintext = pair.sent.flatMap(({ bytes }) => recordsIn(bytes)).filter(({ epoch }) => epoch === 0);
      expect(Math.max(...plaintext.map(({ fragment }) => fragment.length))).toBeLessThanOrEqual(
        maxFragmentLength,
      );
    },
  );

  test("an empty message is a message (R13)", () => {
    const pair = new Pair().handshake();
    expect(pair.echo("")).toBe("");
  });

  test("RFC 5246 §6.2.1: a message of 2^14 bytes is the largest (R1.7, R13)", () => {
    const pair = new Pair().handshake();
    const { maxPlaintext } = pair.clientSession.association;
    expect(maxPlaintext).toBe(2 ** 14);
    pair.server.echo = false;
    pair.client.send(new Uint8Array(maxPlaintext));
    pair.simulation.runFor(10);
    expect(pair.serverSession.received[0]).toHaveLength(maxPlaintext);
  });
});
