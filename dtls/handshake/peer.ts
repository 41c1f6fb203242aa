import { type KeyObject, timingSafeEqual } from "node:crypto";
import { verifySignature } from "../crypto/signature.ts";
import { DtlsError } from "../errors.ts";
import { nameOf, SignatureScheme } from "../wire/registry.ts";
import type { ResumableSession } from "./session.ts";

/** What the peer says it is. Believed of nobody until a VerifiedSignature holds it. */
export interface ClaimedKey {
  readonly certificateType: "X509" | "RawPublicKey";
  /** DER certificates, leaf first; a raw public key's SubjectPublicKeyInfo alone. */
  readonly chain: readonly Uint8Array[];
  readonly publicKey: KeyObject;
}

/** Proof that the peer holds the private key of a claimed one: only `verify` makes it. */
export class VerifiedSignature {
  readonly #claim: ClaimedKey;

  private constructor(claim: ClaimedKey) {
    this.#claim = claim;
  }

  /**
   * RFC 5246 §4.7, §7.4.8: the signature over `bytes` verifies under the claimed key, by a scheme that was offered.
   * @throws DtlsError DTLS_ILLEGAL_PARAMETER, DTLS_BAD_SIGNATURE
   */
  static verify(
    claim: ClaimedKey,
    offered: readonly number[],
    scheme: number,
    bytes: Uint8Array,
    signature: Uint8Array,
  ): VerifiedSignature {
    // RFC 5246 §7.4.3, §7.4.8: the algorithm must be one of those in signature_algorithms or CertificateRequest.
    if (!offered.includes(scheme)) {
      throw new DtlsError(
        "DTLS_ILLEGAL_PARAMETER",
        `the peer signed by ${nameOf(SignatureScheme, scheme)}, which was not offered`,
      );
    }
    if (!verifySignature(scheme, claim.publicKey, bytes, signature)) {
      throw new DtlsError(
        "DTLS_BAD_SIGNATURE",
        `the peer's ${nameOf(SignatureScheme, scheme)} signature does not verify under the key that it showed`,
      );
    }
    return new VerifiedSignature(claim);
  }

  get claim(): ClaimedKey {
    return this.#claim;
  }
}

/** Proof that the peer's Finished was right: only `verify` makes it. */
export class VerifiedFinished {
  // Its presence is what `is` looks for.
  // oxlint-disable-next-line eslint/no-unused-private-class-members
  readonly #proven = true;

  private constructor() {}

  /** RFC 5246 §7.4.9: verify_data, compared in constant time. @throws DtlsError DTLS_BAD_FINISHED */
  static verify(expected: Uint8Array, received: Uint8Array): VerifiedFinished {
    if (expected.length !== received.length || !timingSafeEqual(expected, received)) {
      throw new DtlsError("DTLS_BAD_FINISHED", "the peer's Finished does not verify");
    }
    return new VerifiedFinished();
  }

  static is(value: unknown): value is VerifiedFinished {
    return typeof value === "object" && value !== null && #proven in value;
  }
}

/** What stands behind a peer, for the state between its proof and its Finished. */
export type PeerProof =
  | { readonly by: "signature"; readonly signature: VerifiedSignature }
  | { readonly by: "psk"; readonly pskIdentity: Uint8Array }
  | { readonly by: "session"; readonly session: ResumableSession };

/** An AuthenticatedPeer as plain data, for export. */
export interface ExportedPeer {
  readonly certificateType: "X509" | "RawPublicKey" | "PSK";
  readonly chain: readonly Uint8Array[];
  readonly pskIdentity: Uint8Array | undefined;
  readonly resumed: boolean;
}

/**
 * A peer that proved who it is: by its signature, by a pre-shared key, or by the secret of an earlier session that
 * began so, each together with a Finished that verified. Nothing else makes one but the import of an exported
 * association, whose proof was given before.
 */
export class AuthenticatedPeer {
  readonly #fields: ExportedPeer;
  /** What the application's verification said of this peer. */
  readonly identity: unknown;

  private constructor(fields: ExportedPeer, identity: unknown) {
    this.#fields = fields;
    this.identity = identity;
  }

  /** `identity`: what the application's verification said of the peer. */
  static prove(
    proof: PeerProof,
    finished: VerifiedFinished,
    identity: unknown,
  ): AuthenticatedPeer | undefined {
    if (!VerifiedFinished.is(finished)) throw new TypeError("a VerifiedFinished is needed");
    if (proof.by === "signature") {
      const { certificateType, chain } = proof.signature.claim;
      return new AuthenticatedPeer(
        { certificateType, chain: keptChain(chain), pskIdentity: undefined, resumed: false },
        identity,
      );
    }
    if (proof.by === "psk") {
      const { pskIdentity } = proof;
      return new AuthenticatedPeer(
        { certificateType: "PSK", chain: [], pskIdentity: copy(pskIdentity), resumed: false },
        identity,
      );
    }
    const { peerCertificateType: certificateType, peerChain: chain, pskIdentity } = proof.session;
    // The earlier handshake had a peer without identity, and so has this one.
    if (certificateType === undefined) return undefined;
    return new AuthenticatedPeer({ certificateType, chain, pskIdentity, resumed: true }, identity);
  }

  /** For the import of an association, once the application judged the peer anew. */
  static restored(exported: ExportedPeer, identity: unknown): AuthenticatedPeer {
    return new AuthenticatedPeer(exported, identity);
  }

  static is(value: unknown): value is AuthenticatedPeer {
    return typeof value === "object" && value !== null && #fields in value;
  }

  get certificateType(): "X509" | "RawPublicKey" | "PSK" {
    return this.#fields.certificateType;
  }

  /** DER certificates, leaf first; a raw public key's SubjectPublicKeyInfo alone; empty for a pre-shared key. */
  get chain(): readonly Uint8Array[] {
    return this.#fields.chain;
  }

  get pskIdentity(): Uint8Array | undefined {
    return this.#fields.pskIdentity;
  }

  /** The handshake was abbreviated: the key was proved in an earlier one. */
  get resumed(): boolean {
    return this.#fields.resumed;
  }

  export(): ExportedPeer {
    return this.#fields;
  }
}

/** CA certificates that were kept lately: thousands of peers show the same ones. */
const issuersKept: Uint8Array[] = [];
const mostIssuersKept = 8;

function keptChain([leaf, ...issuers]: readonly Uint8Array[]): readonly Uint8Array[] {
  return leaf === undefined ? [] : [copy(leaf), ...issuers.map(keptIssuer)];
}

function keptIssuer(der: Uint8Array): Uint8Array {
  const same = issuersKept.find((kept) => kept.length === der.length && Buffer.compare(kept, der) === 0);
  if (same !== undefined) return same;
  const kept = copy(der);
  issuersKept.push(kept);
  if (issuersKept.length > mostIssuersKept) issuersKept.shift();
  return kept;
}

/** Out of the datagram that it came in, which is larger. */
function copy(bytes: Uint8Array): Uint8Array {
  return Uint8Array.from(bytes);
}
