import type { Credential } from "../../../dtls/signer.ts";
import { Certificate, RawPublicKeyCertificate } from "../../../dtls/wire/certificate.ts";
import { encode } from "../../../dtls/wire/presentation.ts";
import type { SignatureScheme } from "../../../dtls/wire/registry.ts";

/** RFC 4279 §2, RFC 5489 §2: `uint16 length || other_secret || uint16 length || psk`. */
export function pskPremaster(otherSecret: Uint8Array, psk: Uint8Array): Uint8Array {
  const premaster = Buffer.alloc(4 + otherSecret.length + psk.length);
  let offset = premaster.writeUInt16BE(otherSecret.length);
  premaster.set(otherSecret, offset);
  offset = premaster.writeUInt16BE(psk.length, offset + otherSecret.length);
  premaster.set(psk, offset);
  return premaster;
}

export function signNow(
  credential: Credential | undefined,
  bytes: Uint8Array,
  scheme: SignatureScheme,
): Uint8Array {
  const signature = credential?.signer.sign(bytes, scheme) ?? new Uint8Array(71);
  if (signature instanceof Promise) throw new TypeError("signers of these tests answer at once");
  return signature;
}

/** RFC 5246 §7.4.2, RFC 7250 §3: the Certificate message of either kind. */
export function certificateBody(
  kind: Credential["certificateType"] | undefined,
  chain: readonly Uint8Array[],
): Uint8Array {
  const [first] = chain;
  if (kind === "RawPublicKey" && first) return encode(RawPublicKeyCertificate, first);
  return encode(Certificate, { certificateList: [...chain] });
}
