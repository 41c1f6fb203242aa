import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { writeFlight } from "../../../../dtls/association/flight.ts";
import { Reassembly } from "../../../../dtls/handshake/reassembly.ts";
import type { FlightItem } from "../../../../dtls/handshake/step.ts";
import { readFragments, writeMessage } from "../../../../dtls/wire/handshake.ts";
import { readRecord, writePlaintextRecord } from "../../../../dtls/wire/record.ts";

/** Epoch 1 "seals" by growing as AES-GCM with a connection id does. */
const overheads = [13, 13 + 8 + 16 + 9] as const;

function written(items: readonly FlightItem[], mtu: number, fragmentLimit = 2 ** 14): Uint8Array[] {
  let sequence = 0;
  return writeFlight(items, {
    mtu,
    fragmentLimit,
    overhead: (epoch) => overheads[epoch],
    record(epoch, type, plaintext) {
      const padding = new Uint8Array(overheads[epoch] - 13);
      return writePlaintextRecord(type, sequence++, Buffer.concat([plaintext, padding]));
    },
  });
}

function message(seq: number, length: number, epoch: 0 | 1 = 0): FlightItem {
  return { type: "message", epoch, bytes: writeMessage(11, seq, new Uint8Array(length).fill(seq + 1)) };
}

const flights = fc.array(fc.nat(3_000), { minLength: 1, maxLength: 8 });

describe("RFC 6347 §4.1.1: a flight in datagrams", () => {
  test("RFC 6347 §4.1.1.1: no datagram of any flight is larger than the MTU (U7, R13.1)", () => {
    fc.assert(
      fc.property(flights, fc.integer({ min: 256, max: 1_500 }), (lengths, mtu) => {
        const items: FlightItem[] = lengths.map((length, seq) => message(seq, length));
        items.push({ type: "change_cipher_spec" }, message(lengths.length, 12, 1));
        for (const datagram of written(items, mtu)) expect(datagram.length).toBeLessThanOrEqual(mtu);
      }),
    );
  });

  test("RFC 6347 §4.2.3: the fragments of a message are contiguous and put together again (R3.3)", () => {
    fc.assert(
      fc.property(flights, fc.integer({ min: 256, max: 1_500 }), (lengths, mtu) => {
        const reassembly = new Reassembly({ maxMessageBytes: 1e5, maxQueuedBytes: 1e6 }, 0);
        for (const datagram of written(
          lengths.map((length, seq) => message(seq, length)),
          mtu,
        )) {
          for (let at = 0; at < datagram.length; ) {
            const record = readRecord(datagram, at, 0);
            if (record === undefined) throw new Error("a record that cannot be read");
            for (const one of readFragments(record.fragment)) expect(reassembly.add(one)).toBeUndefined();
            at += record.bytes.length;
          }
        }
        for (const length of lengths) expect(reassembly.next()?.body).toHaveLength(length);
      }),
    );
  });

  test("RFC 6347 §4.1.1: several records share a datagram where they fit", () => {
    expect(written([message(0, 100), message(1, 200), { type: "change_cipher_spec" }], 1_200)).toHaveLength(
      1,
    );
  });

  test("RFC 6066 §4: with max_fragment_length no record of the handshake has more plaintext (R13.2)", () => {
    const datagrams = written([message(0, 2_000)], 1_400, 512);
    for (const datagram of datagrams) {
      for (let at = 0; at < datagram.length; ) {
        const record = readRecord(datagram, at, 0);
        if (record === undefined) throw new Error("a record that cannot be read");
        expect(record.fragment.length).toBeLessThanOrEqual(512);
        at += record.bytes.length;
      }
    }
  });
});
