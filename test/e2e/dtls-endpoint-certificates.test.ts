import { X509Certificate } from "node:crypto";
import { expect, test } from "vitest";
import type { PemCredential } from "../../dtls/index.ts";
import { mintCa, mintDevice, mintRoot, mintServer, rawExtension } from "../support/chain-builder.ts";
import { codeOf, device, errorOf, server, startEcho } from "../support/dtls-loopback.ts";

const day = { notBefore: new Date(Date.now() - 3_600_000), notAfter: new Date(Date.now() + 86_400_000) };

/**
 * A stranger's certificate for a key of his own, in which the PEM of somebody else's stands: as DER it is the one, and
 * where PEM is looked for first, it is the other.
 */
function twofold(kind: "client" | "server", shown: PemCredential): PemCredential {
  const stranger = mintCa(mintRoot(day), day);
  const text = Buffer.from(`\n${String(shown.cert)}\n`);
  const options = { ...day, extensions: [rawExtension("1.2.3.4", false, text)] };
  const own =
    kind === "client"
      ? mintDevice(stranger, "stranger", options)
      : mintServer(stranger, ["stranger.example"], options);
  const [, ...issuers] = String(shown.cert).match(/-----BEGIN[^-]*-----[^-]*-----END[^-]*-----/g) ?? [];
  return { cert: [own.pem, ...issuers].join("\n"), key: own.keyPem };
}

test("a certificate within which another one's PEM stands lets no client in as that one (A4, R7)", async () => {
  await using echo = await startEcho();
  const session = echo.connect(twofold("client", device("pump-1")));
  expect((await errorOf(session.opened))?.peerAlert).toBe("bad_certificate");
  expect(echo.sessions).toEqual([]);
});

test("… and passes no server off as that one (A4)", async () => {
  await using echo = await startEcho(twofold("server", server));
  expect(await codeOf(echo.connect(device()).opened)).toBe("DTLS_BAD_CERTIFICATE");
});

test("… also where an application judges by what node:crypto reads (A4, R7)", async () => {
  const { fingerprint256 } = new X509Certificate(String(device("pump-1").cert));
  const known = device("pump-2");
  const allowed = new X509Certificate(String(known.cert)).fingerprint256;
  await using echo = await startEcho({
    verifyPeer: ({ chain }) => {
      const [leaf = new Uint8Array()] = chain;
      if (new X509Certificate(leaf).fingerprint256 !== allowed) throw new Error(fingerprint256);
      return allowed;
    },
  });
  await using honest = echo.connect(known);
  await honest.opened;
  expect((await errorOf(echo.connect(twofold("client", known)).opened))?.peerAlert).toBe("bad_certificate");
  expect(echo.sessions).toHaveLength(1);
});
