import { X509Certificate } from "node:crypto";
import type { TLSSocket } from "node:tls";
import { expect, test } from "vitest";
import { GatewayError, refusal, refusalReasons } from "../../../gateway/errors.ts";
import { identify } from "../../../gateway/identity.ts";
import { AuthenticatedPeer } from "../../../gateway/peer.ts";
import { asRefusal, Trust, type TrustOptions } from "../../../gateway/trust.ts";
import { PkiError, type PkiErrorCode, pkiErrors, type ValidatedPath } from "../../../pki/index.ts";
import { deviceRecipe, issuingRecipe, type Minted, mint, mintPki } from "../../support/minted-pki.ts";
import { TestRegistry } from "../../support/test-gateway.ts";

const day = 24 * 60 * 60 * 1000;
const pki = await mintPki();

function trusting(over: Partial<TrustOptions> = {}): Trust {
  return new Trust({
    anchors: [pki.root.certificate],
    intermediates: [pki.issuing.certificate],
    crls: [],
    now: () => new Date(),
    remembered: 10,
    ...over,
  });
}

/** A socket whose handshake is done, as far as `authenticate` looks at it. */
function socketOf(der: Uint8Array | undefined, authorized = true): TLSSocket {
  const socket: Partial<TLSSocket> = {
    getPeerX509Certificate: () => (der === undefined ? undefined : new X509Certificate(der)),
    isSessionReused: () => false,
    authorized,
    authorizationError: new Error("CERT_REJECTED"),
  };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return socket as TLSSocket;
}

function judge(trust: Trust, { certificate }: Minted): ValidatedPath {
  return trust.judge(certificate.fingerprint, () => [certificate.der]);
}

function reasonOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof GatewayError && error.reason !== undefined) return error.reason;
    throw error;
  }
  return "none";
}

test("a certificate that was found good is refused once it, or a CA above it, has expired", async () => {
  let now = new Date();
  const soon = await mint(issuingRecipe(pki.root, { notAfter: new Date(Date.now() + day) }));
  const leaf = await mint(deviceRecipe(soon, "d1"));
  const trust = trusting({ now: () => now, intermediates: [soon.certificate] });
  expect(reasonOf(() => judge(trust, leaf))).toBe("none");
  expect(judge(trust, leaf)).toBe(judge(trust, leaf));
  now = new Date(Date.now() + 2 * day);
  expect(reasonOf(() => judge(trust, leaf))).toBe("certificate_expired");
});

test("no more verdicts are remembered than allowed, the least used go first", async () => {
  const trust = trusting({ remembered: 2 });
  const [a, b, c] = await Promise.all([
    mint(deviceRecipe(pki.issuing, "a")),
    mint(deviceRecipe(pki.issuing, "b")),
    mint(deviceRecipe(pki.issuing, "c")),
  ]);
  const first = judge(trust, a);
  const second = judge(trust, b);
  expect(judge(trust, a)).toBe(first);
  judge(trust, c);
  expect(judge(trust, a)).toBe(first);
  expect(judge(trust, b)).not.toBe(second);
});

test("OpenSSL's own verdict must agree with ours", () => {
  const { der } = pki.device.certificate;
  const authenticate = (authorized: boolean) => () =>
    AuthenticatedPeer.authenticate(socketOf(der, authorized), trusting(), "::1");
  expect(reasonOf(authenticate(true))).toBe("none");
  expect(reasonOf(authenticate(false))).toBe("certificate_refused");
});

test("the identity of an expired certificate is refused, whenever it was validated", () => {
  const registry = new TestRegistry();
  registry.put("d1");
  registry.know(pki.device.certificate, "d1");
  const peer = AuthenticatedPeer.authenticate(socketOf(pki.device.certificate.der), trusting(), "::1");
  const { notAfter } = pki.device.certificate;
  expect(identify(peer, registry, new Date(notAfter.getTime() - 1000))).toMatchObject({
    id: "d1",
    kind: "device",
  });
  expect(reasonOf(() => identify(peer, registry, new Date(notAfter.getTime() + 1000)))).toBe(
    "certificate_expired",
  );
});

test("every code of path validation has a reason of its own, but the server's name, which no client has", () => {
  const codes = Object.keys(pkiErrors).filter((code): code is PkiErrorCode => code.startsWith("PKI_PATH_"));
  const general = codes.filter((code) => asRefusal(new PkiError(code, "")).reason === "certificate_refused");
  expect(general).toEqual(["PKI_PATH_NAME_MISMATCH"]);
});

test("whatever else is thrown about a certificate refuses it", () => {
  expect(asRefusal(new Error("?")).reason).toBe("certificate_refused");
  expect(asRefusal(new PkiError("PKI_DER_TRUNCATED", "")).reason).toBe("certificate_malformed");
  expect(asRefusal(new PkiError("PKI_IDENTITY_AMBIGUOUS", "")).reason).toBe("identity_malformed");
  expect(reasonOf(() => trusting().judge("00", () => [Buffer.from("3000", "hex")]))).toBe(
    "certificate_malformed",
  );
});

test("each reason has an explanation that a refusal without detail carries", () => {
  for (const [reason, text] of Object.entries(refusalReasons)) {
    expect(text.length, reason).toBeGreaterThan(10);
  }
  expect(refusal("certificate_unknown").message).toBe(refusalReasons.certificate_unknown);
});
