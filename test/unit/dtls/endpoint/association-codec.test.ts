import fc from "fast-check";
import { expect, test } from "vitest";
import type { AssociationState } from "../../../../dtls/association/association-state.ts";
import { suites } from "../../../../dtls/crypto/suites.ts";
import { decodeAssociation, encodeAssociation } from "../../../../dtls/endpoint/association-codec.ts";
import { dtlsErrorCode } from "../../../support/dtls/dtls-error-code.ts";

const [suite] = suites;
if (suite === undefined) throw new Error("unreachable");

const full: AssociationState = {
  role: "server",
  address: { address: "2001:db8::1", port: 5684 },
  terms: {
    suite,
    clientRandom: new Uint8Array(32).fill(1),
    serverRandom: new Uint8Array(32).fill(2),
    extendedMasterSecret: true,
    serverName: "gateway.example",
    alpnProtocol: "coap",
    sendConnectionId: Uint8Array.of(1, 2),
    receiveConnectionId: Uint8Array.of(3, 4, 5, 6, 7, 8, 9, 10),
    returnRoutabilityCheck: true,
    sendLimit: 16_384,
    receiveLimit: 64,
    maxFragmentLength: 512,
    ownCertificateType: "X509",
    peerCertificateType: "RawPublicKey",
    sessionId: new Uint8Array(32).fill(3),
    ticket: true,
  },
  masterSecret: new Uint8Array(48).fill(4),
  sealer: {
    key: new Uint8Array(16).fill(5),
    iv: new Uint8Array(4).fill(6),
    epoch: 1,
    connectionId: Uint8Array.of(1, 2),
    sequence: 2 ** 48 - 2,
    sealedBytes: 2 ** 52,
  },
  opener: {
    key: new Uint8Array(32).fill(7),
    iv: new Uint8Array(12).fill(8),
    epoch: 1,
    connectionId: undefined,
    window: { newest: -1, recent: -(2 ** 31), older: 2 ** 31 - 1 },
    failures: 3,
  },
  peer: {
    certificateType: "X509",
    chain: [new Uint8Array(600).fill(9), new Uint8Array(500).fill(10)],
    pskIdentity: undefined,
    resumed: true,
  },
  resumed: true,
};

const bare: AssociationState = {
  ...full,
  role: "client",
  terms: {
    ...full.terms,
    serverName: undefined,
    alpnProtocol: undefined,
    sendConnectionId: undefined,
    receiveConnectionId: undefined,
    maxFragmentLength: undefined,
    sessionId: new Uint8Array(),
  },
  sealer: { ...full.sealer, connectionId: undefined },
  peer: undefined,
};

test.each([
  ["everything", full],
  ["nothing that can be left out", bare],
])("decode(encode(association)) is the association, with %s (U3)", (_name, state) => {
  expect(decodeAssociation(encodeAssociation(state))).toEqual(state);
});

test("every proper prefix is refused, and what is changed throws nothing that is not caught (U3)", () => {
  const encoded = encodeAssociation(full);
  for (let length = 0; length < encoded.length; length++) {
    expect(() => decodeAssociation(encoded.subarray(0, length))).toThrow(Error);
  }
  expect(dtlsErrorCode(() => decodeAssociation(Buffer.concat([encoded, Buffer.of(0)])))).toBe(
    "DTLS_DECODE_ERROR",
  );
});

test("another version, and a suite that is gone, are refused (U3)", () => {
  const encoded = encodeAssociation(full);
  const version = Uint8Array.from(encoded);
  version[0] = 9;
  expect(() => decodeAssociation(version)).toThrow("version 9");
  const cbc = { ...full, terms: { ...full.terms, suite: { ...suite, id: 0xc009 } } };
  expect(() => decodeAssociation(encodeAssociation(cbc))).toThrow("there is no suite");
});

test("random bytes never become an association (U3)", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => {
      expect(() => decodeAssociation(bytes)).toThrow(Error);
    }),
  );
});
