import fc from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import { readClientSession, writeClientSession } from "../../../../dtls/endpoint/client-session.ts";
import { SessionCache } from "../../../../dtls/endpoint/session-cache.ts";
import { decodeSession, encodeSession } from "../../../../dtls/endpoint/session-codec.ts";
import { Tickets } from "../../../../dtls/endpoint/tickets.ts";
import { DtlsError } from "../../../../dtls/errors.ts";
import type { ResumableSession } from "../../../../dtls/handshake/session.ts";
import { dtlsErrorCode } from "../../../support/dtls/dtls-error-code.ts";

const bytes = (minLength: number, maxLength: number) =>
  fc.uint8Array({ minLength, maxLength }).map((value) => Uint8Array.from(value));

const anySession: fc.Arbitrary<ResumableSession> = fc.record({
  sessionId: bytes(0, 32),
  ticket: fc.option(bytes(0, 300), { nil: undefined }),
  cipherSuite: fc.nat(65_535),
  masterSecret: bytes(48, 48),
  extendedMasterSecret: fc.boolean(),
  serverName: fc.option(fc.string({ unit: "grapheme", maxLength: 60 }), { nil: undefined }),
  alpnProtocol: fc.option(fc.string({ maxLength: 60 }), { nil: undefined }),
  peerCertificateType: fc.constantFrom(undefined, "X509", "RawPublicKey", "PSK"),
  peerChain: fc.array(bytes(1, 900), { maxLength: 3 }),
  pskIdentity: fc.option(bytes(0, 128), { nil: undefined }),
  expiresAt: fc.integer({ min: 0, max: 2 ** 45 }),
});

const day = 86_400_000;
let wallClock: number;
let drawn: number;
const source = {
  wallClock: () => wallClock,
  random: (length: number) => {
    drawn += 1;
    const value = new Uint8Array(length);
    value[0] = drawn;
    return value;
  },
};

function sessionOf(fill: number, expiresAt = wallClock + day): ResumableSession {
  return {
    sessionId: new Uint8Array(32).fill(fill),
    ticket: undefined,
    cipherSuite: 0xc02b,
    masterSecret: new Uint8Array(48).fill(fill),
    extendedMasterSecret: true,
    serverName: "gateway.example",
    alpnProtocol: undefined,
    peerCertificateType: "X509",
    peerChain: [new Uint8Array(500).fill(fill)],
    pskIdentity: undefined,
    expiresAt,
  };
}

beforeEach(() => {
  wallClock = Date.UTC(2026, 10, 25);
  drawn = 0;
});

describe("the stored form", () => {
  test("decode(encode(session)) is the session, whatever is in it", () => {
    fc.assert(
      fc.property(anySession, (session) => {
        expect(decodeSession(encodeSession(session))).toEqual(session);
      }),
    );
  });

  test("every proper prefix, and anything behind it, is refused", () => {
    const encoded = encodeSession(sessionOf(1));
    for (let length = 0; length < encoded.length; length++) {
      expect(dtlsErrorCode(() => decodeSession(encoded.subarray(0, length)))).toBe("DTLS_STATE_INVALID");
    }
    expect(dtlsErrorCode(() => decodeSession(Buffer.concat([encoded, Buffer.of(0)])))).toBe(
      "DTLS_STATE_INVALID",
    );
  });

  test("another version, and what is no choice, are refused", () => {
    const encoded = encodeSession(sessionOf(1));
    // The version, and whether there is a ticket.
    for (const [index, value] of [
      [0, 3],
      [34, 2],
    ] as const) {
      const changed = Uint8Array.from(encoded);
      changed[index] = value;
      expect(dtlsErrorCode(() => decodeSession(changed))).toBe("DTLS_STATE_INVALID");
    }
  });

  test("random bytes throw nothing but DtlsError", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (random) => {
        expect([undefined, "DTLS_STATE_INVALID"]).toContain(dtlsErrorCode(() => decodeSession(random)));
      }),
    );
  });

  test("what is decoded does not hold on to the block that it came from", () => {
    const encoded = encodeSession(sessionOf(1));
    const { masterSecret, peerChain } = decodeSession(encoded);
    expect(masterSecret.buffer.byteLength).toBe(48);
    expect(peerChain[0]?.buffer.byteLength).toBe(500);
  });
});

describe("sessions by id (RFC 5246 §7.3)", () => {
  test("the one that was used longest ago makes room (U10)", () => {
    const cache = new SessionCache(2, source.wallClock);
    for (const fill of [1, 2]) cache.store(sessionOf(fill));
    expect(cache.find(sessionOf(1).sessionId)).toBeDefined();
    cache.store(sessionOf(3));
    expect(cache.size).toBe(2);
    expect(cache.find(sessionOf(2).sessionId)).toBeUndefined();
    expect(cache.find(sessionOf(1).sessionId)).toBeDefined();
  });

  test("long chains make room as many sessions do: what a client sends does not fill the memory (B5)", () => {
    const cache = new SessionCache(4, source.wallClock);
    const long = (fill: number) => ({ ...sessionOf(fill), peerChain: [new Uint8Array(7000)] });
    for (let fill = 1; fill <= 9; fill++) cache.store(long(fill));
    expect(cache.size).toBe(2);
    expect(cache.find(sessionOf(9).sessionId)).toBeDefined();
    cache.store(sessionOf(8));
    for (let fill = 1; fill <= 3; fill++) cache.store(sessionOf(fill));
    expect(cache.size).toBe(4);
    for (const fill of [8, 1, 2, 3]) cache.delete(sessionOf(fill).sessionId);
    for (let fill = 1; fill <= 9; fill++)
      cache.store({ ...sessionOf(fill), peerChain: [new Uint8Array(4000)] });
    expect(cache.size).toBe(4);
    cache.store({ ...sessionOf(1), peerChain: [new Uint8Array(20_000)] });
    expect(cache.size).toBe(0);
  });

  test("one whose life is over is not found, and one that was forgotten neither", () => {
    const cache = new SessionCache(10, source.wallClock);
    cache.store(sessionOf(1, wallClock + 1000));
    cache.store(sessionOf(2, wallClock + 5000));
    wallClock += 1000;
    expect(cache.find(sessionOf(1).sessionId)).toBeUndefined();
    cache.delete(sessionOf(2).sessionId);
    expect(cache.find(sessionOf(2).sessionId)).toBeUndefined();
    expect(cache.size).toBe(0);
  });
});

describe("tickets (RFC 5077)", () => {
  const lifetimeSeconds = 3600;

  test("a ticket opens to the session that was sealed, and says nothing to who looks at it", () => {
    const tickets = new Tickets(source, lifetimeSeconds, undefined);
    const session = sessionOf(0x41);
    const ticket = tickets.seal(session) ?? new Uint8Array();
    expect(tickets.open(ticket)).toEqual(session);
    expect(Buffer.from(ticket).includes(Buffer.alloc(16, 0x41))).toBe(false);
    expect(tickets.seal(session)).not.toEqual(ticket);
  });

  test("RFC 5077 §4: a ticket that was changed anywhere is none", () => {
    const tickets = new Tickets(source, lifetimeSeconds, undefined);
    const ticket = tickets.seal(sessionOf(1)) ?? new Uint8Array();
    for (let index = 0; index < ticket.length; index++) {
      const changed = Uint8Array.from(ticket);
      changed[index] = (changed[index] ?? 0) ^ 1;
      expect(tickets.open(changed)).toBeUndefined();
    }
    for (let length = 0; length < ticket.length; length++) {
      expect(tickets.open(ticket.subarray(0, length))).toBeUndefined();
    }
  });

  test("a session whose life is over does not open", () => {
    const tickets = new Tickets(source, lifetimeSeconds, undefined);
    const ticket = tickets.seal(sessionOf(1, wallClock + 1000)) ?? new Uint8Array();
    wallClock += 1000;
    expect(tickets.open(ticket)).toBeUndefined();
  });

  test("RFC 5077 §5.5: keys change by themselves; a ticket opens for its lifetime, and its key is gone after it (R15)", () => {
    const tickets = new Tickets(source, lifetimeSeconds, undefined);
    const half = (lifetimeSeconds * 1000) / 2;
    const seal = () => tickets.seal(sessionOf(1, wallClock + 100 * half)) ?? new Uint8Array();
    const first = seal();
    const nameOf = (ticket: Uint8Array) => Buffer.from(ticket.subarray(0, 16)).toString("hex");
    wallClock += half - 1;
    const last = seal();
    expect(nameOf(last)).toBe(nameOf(first));
    wallClock += 1;
    expect(nameOf(seal())).not.toBe(nameOf(first));
    wallClock += half - 1;
    seal();
    expect(tickets.open(last)).toBeDefined();
    wallClock += half + 2;
    seal();
    expect(tickets.open(last)).toBeUndefined();
  });

  test("ticketKeys: the first seals, all open", () => {
    const [one, two] = [Buffer.alloc(48, 1), Buffer.alloc(48, 2)];
    const a = new Tickets(source, lifetimeSeconds, one);
    const b = new Tickets(source, lifetimeSeconds, Buffer.concat([two, one]));
    const ticket = a.seal(sessionOf(1)) ?? new Uint8Array();
    expect(b.open(ticket)).toEqual(sessionOf(1));
    expect(a.open(b.seal(sessionOf(1)) ?? new Uint8Array())).toBeUndefined();
    // Theirs is the application's to change.
    wallClock += day - 1;
    expect(b.open(ticket)).toBeDefined();
  });

  test.each([0, 1, 47, 49, 95])("ticketKeys of %i bytes are refused", (length) => {
    expect(dtlsErrorCode(() => new Tickets(source, lifetimeSeconds, new Uint8Array(length)))).toBe(
      "DTLS_OPTIONS_INVALID",
    );
  });
});

describe("what a client keeps (A7)", () => {
  const session = { ...sessionOf(1, 1_800_000_000_000), ticket: Uint8Array.of(1, 2, 3) };

  test("it is read back for the name that it was written with, and for no other", () => {
    const written = writeClientSession("gateway.example", session);
    expect(readClientSession("gateway.example", written)).toEqual(session);
    expect(dtlsErrorCode(() => readClientSession("other.example", written))).toBe("DTLS_OPTIONS_INVALID");
  });

  test("random bytes, prefixes and other formats throw nothing but DtlsError", () => {
    const written = writeClientSession("a", session);
    for (let length = 0; length < written.length; length++) {
      expect(() => readClientSession("a", written.subarray(0, length))).toThrow(DtlsError);
    }
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (random) => {
        expect(dtlsErrorCode(() => readClientSession("a", random))).toBe("DTLS_OPTIONS_INVALID");
      }),
    );
  });
});
