import { createPublicKey, type KeyObject } from "node:crypto";
import { bitString, type DerNode, encode, encoded, sequence } from "../../pki/der/writer.ts";
import {
  Certificate,
  exportPublicKey,
  KeySigner,
  type Name,
  PkiError,
  type Signer,
} from "../../pki/index.ts";
import { algorithmIdentifier, signatureAlgorithmFor } from "../../pki/x509/algorithms.ts";
import { NotApplicable } from "../errors.ts";
import { defaultSignature, type SignatureName, signatures } from "./algorithms.ts";

export interface IssuerParts {
  readonly name: Name;
  /** DER. */
  readonly certificate: Uint8Array;
  /** What a chain shows above this CA's certificate, nearest first; the trust anchor is not sent. */
  readonly above?: readonly Uint8Array[];
  /** It is a trust anchor, so its certificate is not sent. */
  readonly isAnchor?: boolean;
  /** Its private key, which the lab holds, or what signs with it elsewhere. */
  readonly key: KeyObject | Signer;
}

/** A CA that the lab can sign with: one of its own, the user's, or one that an attacker made up. */
export class Issuer {
  readonly name: Name;
  /** DER. */
  readonly certificate: Uint8Array;
  /** DER of its SubjectPublicKeyInfo. */
  readonly publicKeyInfo: Uint8Array;
  /** What follows a leaf that it issued, in the Certificate message. */
  readonly chain: readonly Uint8Array[];
  readonly #key: KeyObject | undefined;
  readonly #signer: Signer | undefined;

  constructor({ name, certificate, above = [], isAnchor = false, key }: IssuerParts) {
    this.name = name;
    this.certificate = certificate;
    this.chain = isAnchor ? [] : [certificate, ...above];
    if ("sign" in key) {
      this.#signer = key;
      this.publicKeyInfo = exportPublicKey(key.publicKey);
    } else {
      this.#key = key;
      // Of any kind, whereas pki/ exports only what it would accept.
      this.publicKeyInfo = createPublicKey(key).export({ type: "spki", format: "der" });
    }
  }

  /** The same CA, as seen from the certificate's own bytes. Throws PkiError for one that `pki/` does not read. */
  get parsed(): Certificate {
    return Certificate.parse(this.certificate);
  }

  /** Whether the lab holds the key itself, so that it can sign in ways which a CA would refuse. */
  get isInHand(): boolean {
    return this.#key !== undefined;
  }

  /** What `pki/` signs with. Throws PkiError for a key of a kind that it does not know. */
  get signer(): Signer {
    return this.#signer ?? new KeySigner(this.key);
  }

  /** @throws NotApplicable where the key is not in the lab's hands */
  get key(): KeyObject {
    if (this.#key === undefined) {
      throw new NotApplicable(
        `the lab does not hold the key of ${this.name.toString()}, so it cannot misuse it`,
      );
    }
    return this.#key;
  }

  /**
   * Whatever this CA signs: SEQUENCE { tbs, algorithm, signature }.
   * @param tbs made with the AlgorithmIdentifier that stands in it, too
   * @param signature default: what fits the key
   * @throws NotApplicable where a CA whose key is not in the lab's hands refuses to sign this
   */
  async sign(tbs: (identifier: DerNode) => DerNode, signature?: SignatureName): Promise<Uint8Array> {
    if (this.#signer === undefined) return signedWith(this.key, tbs, signature);
    if (signature !== undefined) {
      throw new NotApplicable(
        `the CA of ${this.name.toString()} signs as it sees fit, not with ${signature}`,
      );
    }
    const identifier = algorithmIdentifier(signatureAlgorithmFor(this.#signer.publicKey));
    const bytes = encode(tbs(identifier));
    return encode(sequence(encoded(bytes), identifier, bitString(await consented(this.#signer, bytes))));
  }
}

/** A user's CA has rules even for attacks; what it does not sign cannot be tried. */
async function consented(signer: Signer, bytes: Uint8Array): Promise<Uint8Array> {
  try {
    return await signer.sign(bytes);
  } catch (error) {
    if (!(error instanceof PkiError)) throw error;
    throw new NotApplicable(`the CA does not sign this: ${error.message}`, { cause: error });
  }
}

/** As `Issuer.sign`, with a key at hand. */
export function signedWith(
  key: KeyObject,
  tbs: (identifier: DerNode) => DerNode,
  signature: SignatureName = defaultSignature(key),
): Uint8Array {
  const scheme = signatures[signature];
  const bytes = encode(tbs(scheme.identifier));
  return encode(sequence(encoded(bytes), scheme.identifier, bitString(scheme.sign(bytes, key))));
}
