import { createPublicKey, type KeyObject, sign } from "node:crypto";
import { type SignatureAlgorithm, signatureAlgorithmFor } from "./x509/algorithms.ts";

/**
 * What holds a private key and signs with it: a file here, a token or a remote service elsewhere. Every
 * signature of this code base goes through one.
 */
export interface Signer {
  readonly publicKey: KeyObject;
  /**
   * The signature over `bytes` (which are not hashed yet) by the algorithm that follows from `publicKey`:
   * ECDSA as the DER of an ECDSA-Sig-Value, RSA as PKCS#1 v1.5 with SHA-256.
   */
  sign(bytes: Uint8Array): Promise<Uint8Array>;
}

/** A private key in this process. It does not show in logs or `util.inspect`. */
export class KeySigner implements Signer {
  readonly publicKey: KeyObject;
  readonly #key: KeyObject;
  readonly #algorithm: SignatureAlgorithm;
  readonly #isQuick: boolean;

  /** Throws PKI_ALGORITHM_UNSUPPORTED for a key that cannot sign certificates. */
  constructor(privateKey: KeyObject) {
    this.#key = privateKey;
    this.publicKey = createPublicKey(privateKey);
    this.#algorithm = signatureAlgorithmFor(this.publicKey);
    const curve = this.publicKey.asymmetricKeyDetails?.namedCurve;
    this.#isQuick = curve === "prime256v1" || this.#algorithm.keyType === "ed25519";
  }

  async sign(bytes: Uint8Array): Promise<Uint8Array> {
    const { digest } = this.#algorithm;
    // P-256 and Ed25519 take less time than a trip to the thread pool; the others would hold up the event loop.
    if (this.#isQuick) return sign(digest, bytes, this.#key);
    return new Promise((resolve, reject) => {
      sign(digest, bytes, this.#key, (error, signature) => {
        if (error === null) resolve(signature);
        else reject(error);
      });
    });
  }

  /** The key as PKCS#8 PEM, for node:tls, which cannot call out to a signer. */
  exportForTls(): string {
    return this.#key.export({ type: "pkcs8", format: "pem" });
  }
}
