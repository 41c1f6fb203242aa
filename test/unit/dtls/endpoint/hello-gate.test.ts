import fc from "fast-check";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { cookieLength } from "../../../../dtls/endpoint/cookie.ts";
import { HelloGate, type Verdict } from "../../../../dtls/endpoint/hello-gate.ts";
import { capturedClientHellos } from "../../../support/dtls/client-hellos.ts";
import { cookieIn, type HelloFields, hello, helloFragments } from "../../../support/dtls-endpoint/hellos.ts";

const from = { address: "192.0.2.1", port: 4711 };
let now: number;
let counter: number;
let gate: HelloGate;

/** Not random, but never the same twice. */
const source = {
  now: () => now,
  random: (length: number) => {
    counter += 1;
    const bytes = Buffer.alloc(length);
    bytes.writeUInt32BE(counter);
    return bytes;
  },
};

beforeEach(() => {
  now = 1_000_000;
  counter = 0;
  gate = new HelloGate(source, 32_768);
});

function replyTo(datagram: Uint8Array, sender = from): Uint8Array {
  const verdict = gate.judge(datagram, sender);
  if (verdict.do !== "verify") throw new Error(`not a HelloVerifyRequest but ${JSON.stringify(verdict)}`);
  return verdict.reply;
}

/** The cookie that a client with these parameters gets. */
function cookieFor(fields: HelloFields = {}, sender = from): Uint8Array {
  return cookieIn(replyTo(hello(fields), sender));
}

function judge(fields: HelloFields, sender = from): Verdict["do"] {
  return gate.judge(hello(fields), sender).do;
}

describe("HelloVerifyRequest", () => {
  test("RFC 6347 §4.2.1: a ClientHello without a cookie is answered by a HelloVerifyRequest (R2, D1)", () => {
    const reply = replyTo(hello());
    expect(reply.subarray(0, 3)).toEqual(Uint8Array.of(22, 0xfe, 0xff));
    expect(reply[13]).toBe(3);
    expect(cookieIn(reply)).toHaveLength(cookieLength);
  });

  test("RFC 6347 §4.2.1: its server_version is that of DTLS 1.0 (R2.1)", () => {
    expect(replyTo(hello()).subarray(25, 27)).toEqual(Uint8Array.of(0xfe, 0xff));
  });

  test("RFC 6347 §4.2.1, erratum 5186: record sequence number and message_seq are the ClientHello's (R2.2, U8)", () => {
    const reply = Buffer.from(replyTo(hello({ sequence: 2 ** 40 + 5, messageSeq: 3 })));
    expect(reply.readUIntBE(5, 6)).toBe(2 ** 40 + 5);
    expect(reply.readUInt16BE(17)).toBe(3);
  });

  test("RFC 6347 §4.2.1: it is never longer than what it answers (D1, D5)", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 32 }),
        fc.uint8Array({ maxLength: 255 }),
        fc.array(fc.nat(65_535), { minLength: 1, maxLength: 100 }),
        (sessionId, cookie, cipherSuites) => {
          const datagram = hello({ sessionId, cookie, cipherSuites });
          const verdict = gate.judge(datagram, from);
          expect(verdict.do === "verify" ? verdict.reply.length : 0).toBeLessThanOrEqual(datagram.length);
        },
      ),
    );
  });

  test("several ClientHellos in one datagram get one answer (D5)", () => {
    const one = hello();
    expect(replyTo(Buffer.concat([one, one, one, one, one, one]))).toHaveLength(replyTo(one).length);
  });

  test("every retransmitted ClientHello is answered, and with the same cookie (U8, R2.6)", () => {
    expect(cookieFor()).toEqual(cookieFor({ sequence: 1 }));
  });
});

describe("the cookie", () => {
  test("RFC 6347 §4.2.1: the ClientHello that brings it is admitted, with its numbers (R2.3)", () => {
    const cookie = cookieFor();
    expect(gate.judge(hello({ cookie, sequence: 1, messageSeq: 1 }), from)).toMatchObject({
      do: "admit",
      first: { recordSequence: 1, messageSeq: 1 },
    });
  });

  test("RFC 6347 §4.2.1: a wrong cookie is answered by a second HelloVerifyRequest (R2.4)", () => {
    const cookie = cookieFor();
    for (let index = 0; index < cookie.length; index++) {
      const wrong = Uint8Array.from(cookie);
      wrong[index] = (wrong[index] ?? 0) ^ 1;
      expect(gate.judge(hello({ cookie: wrong }), from)).toMatchObject({ do: "verify", wrong: true });
    }
    for (const length of [1, cookie.length - 1, 255]) {
      expect(judge({ cookie: new Uint8Array(length) })).toBe("verify");
    }
    expect(gate.judge(hello(), from)).toMatchObject({ wrong: false });
  });

  test("it is good for one address, port and family alone (D4)", () => {
    const cookie = cookieFor();
    expect(judge({ cookie })).toBe("admit");
    expect(judge({ cookie }, { ...from, port: from.port + 1 })).toBe("verify");
    expect(judge({ cookie }, { ...from, address: "192.0.2.2" })).toBe("verify");
    expect(judge({ cookie }, { ...from, address: "::ffff:192.0.2.1" })).toBe("verify");
  });

  test.each<[string, HelloFields]>([
    ["random", { random: new Uint8Array(32).fill(8) }],
    ["client_version", { clientVersion: 0xfeff }],
    ["cipher_suites", { cipherSuites: [0xc02b, 0xc02c] }],
    ["compression_methods", { compressionMethods: [0, 1] }],
  ])("it binds the parameters of the ClientHello: %s (D4, R2.5)", (_name, changed) => {
    const cookie = cookieFor();
    expect(judge({ ...changed, cookie })).toBe("verify");
    expect(judge({ ...changed, cookie: cookieFor(changed) })).toBe("admit");
  });

  test("RFC 5077 §3.4: not session_id, which a client may choose anew; it gets nobody past the cookie (D2, D4)", () => {
    const sessionId = Uint8Array.of(1, 2, 3);
    expect(judge({ sessionId })).toBe("verify");
    expect(judge({ sessionId, cookie: new Uint8Array(17) })).toBe("verify");
    expect(judge({ sessionId, cookie: cookieFor() })).toBe("admit");
  });

  test("it is accepted under the previous secret, and no longer: between one and two minutes (D4)", () => {
    const cookie = cookieFor();
    now += 59_999;
    expect(judge({ cookie })).toBe("admit");
    now += 1;
    // The secret has changed, and the old one is still known.
    expect(cookieFor()).not.toEqual(cookie);
    expect(judge({ cookie })).toBe("admit");
    now += 60_000;
    expect(judge({ cookie })).toBe("verify");
  });

  test("after a long silence no old secret is left (D4)", () => {
    const cookie = cookieFor();
    now += 120_000;
    expect(judge({ cookie })).toBe("verify");
  });

  test("a secret of 256 rotations ago does not come back with its number (D4)", () => {
    const cookie = cookieFor();
    for (let rotation = 0; rotation < 256; rotation++) {
      now += 60_000;
      cookieFor();
    }
    expect(judge({ cookie })).toBe("verify");
  });

  test("two gates do not take each other's cookies", () => {
    const cookie = cookieFor();
    gate = new HelloGate(source, 32_768);
    expect(judge({ cookie })).toBe("verify");
  });
});

describe("what is kept for who has not shown a cookie", () => {
  test("a fragmented ClientHello is answered and admitted by its first fragment alone (U5, D1)", () => {
    const fields = { extensionBytes: 1300 };
    const [first = new Uint8Array(), second = new Uint8Array()] = helloFragments(fields, 700);
    const cookie = cookieIn(replyTo(first));
    // Fragmented otherwise, whole: it is the same client.
    expect(judge({ ...fields, cookie })).toBe("admit");
    const [firstAgain = new Uint8Array()] = helloFragments({ ...fields, cookie, messageSeq: 1 }, 500);
    expect(gate.judge(firstAgain, from).do).toBe("admit");
    expect(gate.judge(second, from)).toEqual({ do: "discard", reason: "later_fragment" });
  });

  test("a first fragment that ends before compression_methods is dropped (U5, D1)", () => {
    const [first = new Uint8Array()] = helloFragments(
      { cipherSuites: Array.from({ length: 200 }, () => 1) },
      100,
    );
    expect(gate.judge(first, from)).toEqual({ do: "discard", reason: "cut_client_hello" });
  });

  test("a malformed version, length or vector is no way around the cookie (D3, E5)", () => {
    const cookie = cookieFor();
    const valid = hello({ cookie });
    for (let index = 0; index < valid.length; index++) {
      for (const value of [0, 1, 0xff, (valid[index] ?? 0) ^ 0x80]) {
        const changed = Uint8Array.from(valid);
        changed[index] = value;
        const verdict = gate.judge(changed, from);
        const isSame = value === valid[index];
        // Versions of the record, its sequence number, message_seq, and a length that makes this a first fragment,
        // are not the client's parameters.
        const isFree = [
          [1, 3],
          [5, 11],
          [14, 19],
        ].some(([start = 0, end = 0]) => index >= start && index < end);
        expect(verdict.do !== "admit" || isSame || isFree, `byte ${index} as ${value}`).toBe(true);
      }
    }
  });

  test("no prefix of a ClientHello is admitted, and none throws (D3, D6)", () => {
    const valid = hello({ cookie: cookieFor() });
    for (let length = 0; length < valid.length; length++) {
      expect(gate.judge(valid.subarray(0, length), from).do).toBe("discard");
    }
  });

  test("nothing that can be sent throws (D6)", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(gate.judge(bytes, from).do).toBe("discard");
        expect(gate.judge(Buffer.concat([hello().subarray(0, 25), bytes]), from).do).not.toBe("admit");
      }),
    );
  });

  test("a record of another epoch, type or version is dropped before anything is computed (D1)", () => {
    const random = vi.spyOn(source, "random");
    const change = (index: number, value: number) => {
      const changed = hello();
      changed[index] = value;
      return gate.judge(changed, from);
    };
    const discarded = { do: "discard", reason: "not_a_client_hello" };
    expect(change(0, 23)).toEqual(discarded);
    expect(change(2, 0xfc)).toEqual(discarded);
    expect(change(4, 1)).toEqual(discarded);
    expect(change(13, 2)).toEqual(discarded);
    expect(change(14, 0xff)).toEqual(discarded);
    expect(random).not.toHaveBeenCalled();
    random.mockRestore();
  });

  test("a ClientHello that is larger than the limit is dropped, whatever its first fragment holds (E2)", () => {
    gate = new HelloGate(source, 1000);
    const [first = new Uint8Array()] = helloFragments({ extensionBytes: 1300 }, 700);
    expect(gate.judge(first, from)).toEqual({ do: "discard", reason: "not_a_client_hello" });
  });

  test("RFC 6347 §4.2.3: a fragment that is longer than its message, or than its record, is dropped (E3)", () => {
    const tooShort = Buffer.from(hello());
    tooShort.writeUIntBE(tooShort.length - 25 - 1, 14, 3);
    expect(gate.judge(tooShort, from)).toEqual({ do: "discard", reason: "not_a_client_hello" });
    const tooLong = Buffer.concat([hello(), Buffer.alloc(10)]);
    tooLong.writeUIntBE(200, 14, 3);
    tooLong.writeUIntBE(tooLong.length - 25, 22, 3);
    expect(gate.judge(tooLong, from)).toEqual({ do: "discard", reason: "not_a_client_hello" });
  });

  test("RFC 6347 §4.1: the first ClientHello may have either version on its record (R1.2)", () => {
    expect(judge({ recordVersion: 0xfeff })).toBe("verify");
    expect(judge({ recordVersion: 0xfefd })).toBe("verify");
  });
});

test.each(capturedClientHellos.map((captured) => [captured.name, captured] as const))(
  "the ClientHello of %s is asked for a cookie (U14)",
  (_name, { first, withCookie }) => {
    const reply = replyTo(first);
    expect(reply.length).toBeLessThanOrEqual(first.length);
    // Its cookie is another server's.
    expect(gate.judge(withCookie, from)).toMatchObject({ do: "verify", wrong: true });
  },
);
