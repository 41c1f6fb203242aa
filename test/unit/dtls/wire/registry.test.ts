import { expect, test } from "vitest";
import * as registry from "../../../../dtls/wire/registry.ts";

const { AlertDescription, CipherSuite, HandshakeType, nameOf } = registry;

test("a number is named as in its registry, an unknown one by itself", () => {
  expect(nameOf(AlertDescription, 47)).toBe("illegal_parameter");
  expect(nameOf(HandshakeType, 0)).toBe("hello_request");
  expect(nameOf(CipherSuite, 0xc0ae)).toBe("TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8");
  expect(nameOf(CipherSuite, 0x1234)).toBe("unknown(0x1234)");
  expect(nameOf(AlertDescription, 9)).toBe("unknown(0x0009)");
});

test("no number stands twice in a table", () => {
  for (const [name, table] of Object.entries(registry)) {
    if (typeof table === "function") continue;
    const values = Object.values(table);
    expect(new Set(values).size, name).toBe(values.length);
  }
});

test("RFC 9325 §4.2: no suite here is anonymous, of static RSA, CBC, RC4, 3DES or without encryption (R15)", () => {
  for (const name of Object.keys(CipherSuite)) {
    expect(name).toMatch(
      /^TLS_(ECDHE_ECDSA|ECDHE_RSA|PSK|ECDHE_PSK)_WITH_(AES_(128|256)_(GCM|CCM)|CHACHA20_POLY1305)|^TLS_EMPTY_RENEGOTIATION_INFO_SCSV$/,
    );
  }
});
