import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { cPeer } from "../support/dtls-interop/c-peers.ts";
import { erlangProgram } from "../support/dtls-interop/erlang.ts";
import { gnutlsProgram } from "../support/dtls-interop/gnutls.ts";
import { libcoapProgram } from "../support/dtls-interop/libcoap.ts";
import { opensslProgram } from "../support/dtls-interop/openssl.ts";
import { tableText } from "../support/dtls-interop/table.ts";

test("docs/reference/dtls-interop.md says what these tests run: node test/support/dtls-interop/table.ts --write", () => {
  const written = readFileSync(new URL("../../docs/reference/dtls-interop.md", import.meta.url), "utf8");
  expect(written).toBe(tableText());
});

// The libraries of later releases come over the network, and may not be had.
test.skipIf(process.env["CI"] === undefined)(
  "where the programs are installed, none is missing",
  async () => {
    const programs = [
      opensslProgram,
      gnutlsProgram,
      libcoapProgram("openssl"),
      libcoapProgram("gnutls"),
      erlangProgram,
      await cPeer("Mbed TLS 2.28", "mbedtls", false),
      await cPeer("wolfSSL 5.5", "wolfssl", false),
    ];
    expect(programs.map(({ missing }) => missing).filter((missing) => missing !== "")).toEqual([]);
  },
);
