import { constants } from "node:crypto";
import { expect, test } from "vitest";
import { tlsRules } from "../../../device-client/tls-rules.ts";

test("RFC 9325 §3.1: TLS 1.2 and 1.3, nothing below", () => {
  expect([tlsRules.minVersion, tlsRules.maxVersion]).toEqual(["TLSv1.2", "TLSv1.3"]);
});

test("RFC 9325 §4.1: forward secrecy and AEAD in every suite", () => {
  for (const suite of tlsRules.ciphers.split(":")) {
    expect(suite).toMatch(/^(TLS_|ECDHE-(ECDSA|RSA)-).*(GCM|CHACHA20)/);
  }
});

test("RFC 9325 §3.4: no renegotiation, no tickets", () => {
  const wanted = constants.SSL_OP_NO_RENEGOTIATION | constants.SSL_OP_NO_TICKET;
  expect(tlsRules.secureOptions & wanted).toBe(wanted);
});
