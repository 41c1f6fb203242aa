import type { KeyObject } from "node:crypto";
import type { SignatureScheme } from "./wire/registry.ts";

/** What holds a private key and signs with it: a file, a token, a remote service. Every signature goes through one. */
export interface Signer {
  readonly publicKey: KeyObject;
  /**
   * The schemes that `sign` can make, best first. Left out: those that follow from `publicKey` without RSA-PSS
   * (ecdsa_secp256r1_sha256, ecdsa_secp384r1_sha384, ed25519, rsa_pkcs1_sha256).
   */
  readonly schemes?: readonly SignatureScheme[];
  /** The signature over `bytes`, which are not hashed yet: ECDSA as the DER of an ECDSA-Sig-Value. */
  sign(bytes: Uint8Array, scheme: SignatureScheme): Uint8Array | Promise<Uint8Array>;
}

/** What a side shows of itself: an X.509 chain (DER, leaf first, root left out) or a raw public key, with its signer. */
export interface Credential {
  readonly certificateType: "X509" | "RawPublicKey";
  /** DER certificates, leaf first; for a raw public key its DER SubjectPublicKeyInfo alone. */
  readonly chain: readonly Uint8Array[];
  readonly signer: Signer;
}
