import type { KeyObject } from "node:crypto";
import { DtlsError } from "../../dtls/index.ts";
import type { AnyKeyShare } from "./further-groups.ts";
import type { HandshakeMessage } from "./message-reader.ts";
import { CertificateVerify, decode } from "./messages.ts";
import { HandshakeType, type TlsVersion } from "./numbers.ts";
import type { RecordKeys } from "./record-keys.ts";
import { publicKeyOf, schemeAllowed, schemeFitsKey, signedContent13, verifyWith } from "./signatures.ts";
import type { TlsEnd } from "./tls-end.ts";

/** The shared secret. An end that does not check its peer's key takes zeros where there can be none. */
export function agreed(
  end: TlsEnd,
  share: AnyKeyShare | undefined,
  peerKey: Uint8Array,
  override: Uint8Array | undefined,
): Uint8Array {
  if (override !== undefined) return override;
  if (share === undefined) return new Uint8Array(32);
  try {
    return share.agree(peerKey);
  } catch (error) {
    if (!(error instanceof DtlsError)) throw error;
    end.require("invalid-key-share", false, "illegal_parameter", error.message);
    return new Uint8Array(share.group === 24 ? 48 : 32);
  }
}

/** RFC 8446 §4.4.2: in a handshake certificate_request_context is empty, of both sides. */
export function checkContext(end: TlsEnd, message: HandshakeMessage): void {
  const empty = message.body[0] === 0;
  end.require("certificate-context-not-checked", empty, "illegal_parameter", "an answer to another request");
}

/** The peer's CertificateVerify of TLS 1.3, over the transcript before it. */
export function checkCertificateVerify13(
  end: TlsEnd,
  message: HandshakeMessage,
  transcriptHash: Uint8Array,
  signer: "client" | "server",
  offered: readonly number[],
): void {
  const { algorithm, signature } = decode(message.name, CertificateVerify, message.body);
  const key = signingKey(end, "certificate-verify-not-verified");
  if (key === undefined) return;
  checkScheme(end, "TLS 1.3", algorithm, key, offered);
  const other = signer === "client" ? "server" : "client";
  const genuine =
    verifyWith(algorithm, key, signedContent13(signer, transcriptHash), signature) ||
    (!end.holds("certificate-verify-context-not-checked") &&
      verifyWith(algorithm, key, signedContent13(other, transcriptHash), signature));
  // RFC 8446 §4.4.3
  end.require(
    "certificate-verify-not-verified",
    genuine,
    "decrypt_error",
    "CertificateVerify does not verify",
  );
}

/** A signature of TLS 1.2: ServerKeyExchange or CertificateVerify. */
export function checkSignature12(
  end: TlsEnd,
  rule: "certificate-verify-not-verified" | "server-key-exchange-not-verified",
  signed: { readonly algorithm: number; readonly signature: Uint8Array; readonly content: Uint8Array },
  offered: readonly number[],
): void {
  const key = signingKey(end, rule);
  if (key === undefined) return;
  checkScheme(end, "TLS 1.2", signed.algorithm, key, offered);
  const genuine = verifyWith(signed.algorithm, key, signed.content, signed.signature);
  end.require(rule, genuine, "decrypt_error", "a signature does not verify");
}

/**
 * One of `types`; where Finished is among them, an end that does without it also takes application data under the keys
 * that would come after it.
 */
export async function expectFinished13(
  end: TlsEnd,
  types: readonly number[],
  ahead: () => RecordKeys,
): Promise<HandshakeMessage | "application data"> {
  const applicationData = types.includes(HandshakeType.finished) && !end.holds("finished-not-required");
  if (!applicationData) return end.expect(types);
  end.records.readAhead = ahead();
  const next = await end.expect(types, { applicationData });
  end.records.readAhead = undefined;
  return next === "ChangeCipherSpec" ? "application data" : next;
}

/** RFC 8446 §4.4.4, RFC 5246 §7.4.9 */
export function checkFinished(end: TlsEnd, message: HandshakeMessage, expected: Uint8Array): void {
  const { body } = message;
  const whole = body.length === expected.length;
  const begins = Buffer.compare(body, expected.subarray(0, body.length)) === 0;
  if (begins && !whole) {
    end.require("finished-length-not-checked", false, "decode_error", `a Finished of ${body.length} bytes`);
    return;
  }
  end.require("finished-not-verified", whole && begins, "decrypt_error", "Finished does not verify");
}

function signingKey(
  end: TlsEnd,
  rule: "certificate-verify-not-verified" | "server-key-exchange-not-verified",
): KeyObject | undefined {
  // Who does without a certificate has no key to verify with.
  if (end.peerChain.length === 0 && !end.holds("certificate-message-not-required")) return undefined;
  const key = publicKeyOf(end.peerChain[0]);
  if (key === undefined)
    end.require(rule, false, "bad_certificate", "the certificate holds no key that can be used");
  return key;
}

function checkScheme(
  end: TlsEnd,
  version: TlsVersion,
  scheme: number,
  key: KeyObject,
  offered: readonly number[],
): void {
  const fits =
    offered.includes(scheme) && schemeAllowed(version, scheme) && schemeFitsKey(version, scheme, key);
  const name = `0x${scheme.toString(16).padStart(4, "0")}`;
  end.require("unoffered-signature-scheme", fits, "illegal_parameter", `a signature in scheme ${name}`);
}
