import { createECDH } from "node:crypto";
import type { KeyShare } from "../../dtls/crypto/key-agreement.ts";
import { DtlsError } from "../../dtls/index.ts";

/** Our half of a key agreement, in any group. */
export type AnyKeyShare = Omit<KeyShare, "group"> & { readonly group: number };

/** RFC 8422 §5.1.1: secp521r1. */
export const secp521r1 = 25;

/** A key of secp521r1, which is spoken where it is asked for, and not offered. */
export function secp521r1Share(): AnyKeyShare {
  const ecdh = createECDH("secp521r1");
  const publicKey = ecdh.generateKeys();
  return {
    group: secp521r1,
    publicKey,
    agree(peerPublicKey) {
      try {
        return ecdh.computeSecret(peerPublicKey);
      } catch (cause) {
        throw new DtlsError("DTLS_ILLEGAL_PARAMETER", "no point of secp521r1", { cause });
      }
    },
  };
}
