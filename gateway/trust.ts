import {
  type Certificate,
  type CertificateList,
  PkiError,
  parseCertificate,
  type ValidatedPath,
  validatePath,
} from "../pki/index.ts";
import { GatewayError, type RefusalReason, refusal } from "./errors.ts";

export interface TrustOptions {
  readonly anchors: readonly Certificate[];
  readonly intermediates: readonly Certificate[];
  readonly crls: readonly CertificateList[];
  readonly now: () => Date;
  /** How many validated certificates are remembered. */
  readonly remembered: number;
}

/** Certificates of a peer beyond this many are not looked at: a path is the leaf, its CAs, and no more. */
const longestChain = 8;

/**
 * Judges client certificates against one set of trust anchors and revocation lists, and remembers those it
 * found good, so that a device that comes back costs no signature check. Only the signatures are remembered:
 * time is looked at each time, and what the inventory says is not judged here at all. A reload makes a new Trust.
 */
export class Trust {
  readonly #options: TrustOptions;
  readonly #remembered = new Map<string, { path: ValidatedPath; until: number }>();
  /** Until the next revocation list is due a verdict may be remembered. */
  readonly #crlUntil: number;

  constructor(options: TrustOptions) {
    this.#options = options;
    this.#crlUntil = Math.min(
      ...options.crls.map((crl) => crl.nextUpdate?.getTime() ?? 0),
      Number.POSITIVE_INFINITY,
    );
  }

  get now(): Date {
    return this.#options.now();
  }

  /**
   * Validates the chain of the certificate with this fingerprint (lower-case hex SHA-256), leaf first, as RFC 5280
   * §6 says. The chain is asked for only when the certificate is not remembered.
   * @throws GatewayError GATEWAY_REFUSED with the reason
   */
  judge(fingerprint: string, chain: () => readonly Uint8Array[]): ValidatedPath {
    const now = this.now;
    const known = this.#remembered.get(fingerprint);
    if (known !== undefined) {
      this.#remembered.delete(fingerprint);
      if (now.getTime() < known.until) {
        this.#remembered.set(fingerprint, known);
        return known.path;
      }
    }
    const path = this.#validate(chain().slice(0, longestChain), now);
    const notAfter = Math.min(...path.path.map((certificate) => certificate.notAfter.getTime()));
    this.#remembered.set(fingerprint, { path, until: Math.min(notAfter, this.#crlUntil) });
    if (this.#remembered.size > this.#options.remembered) {
      // A Map gives its oldest key first, and a hit moves its entry to the end.
      for (const oldest of this.#remembered.keys()) {
        this.#remembered.delete(oldest);
        break;
      }
    }
    return path;
  }

  #validate(chain: readonly Uint8Array[], now: Date): ValidatedPath {
    const { anchors, intermediates, crls } = this.#options;
    try {
      return validatePath({
        chain: chain.map((der) => parseCertificate(der)),
        anchors,
        intermediates,
        purpose: "clientAuth",
        now,
        crls,
        revocation: "when-available",
      });
    } catch (error) {
      throw asRefusal(error);
    }
  }
}

const reasonOf: Readonly<Record<string, RefusalReason>> = {
  PKI_PATH_EXPIRED: "certificate_expired",
  PKI_PATH_NOT_YET_VALID: "certificate_not_yet_valid",
  PKI_PATH_UNKNOWN_ISSUER: "unknown_issuer",
  PKI_PATH_SELF_SIGNED: "certificate_self_signed",
  PKI_PATH_BAD_SIGNATURE: "bad_signature",
  PKI_PATH_NOT_A_CA: "not_a_ca",
  PKI_PATH_LENGTH: "path_length",
  PKI_PATH_KEY_USAGE: "wrong_key_usage",
  PKI_PATH_EXTENDED_KEY_USAGE: "wrong_extended_key_usage",
  PKI_PATH_NAME_CONSTRAINTS: "name_constraints",
  PKI_PATH_UNKNOWN_CRITICAL_EXTENSION: "unknown_critical_extension",
  PKI_PATH_REVOKED: "certificate_revoked",
  PKI_PATH_CRL_MISSING: "crl_missing",
  PKI_PATH_CRL_EXPIRED: "crl_expired",
  PKI_PATH_WEAK_ALGORITHM: "weak_algorithm",
  PKI_PATH_WORK_LIMIT: "path_too_costly",
  PKI_PATH_LEAF_IS_CA: "leaf_is_ca",
  PKI_PATH_MALFORMED: "certificate_malformed",
  PKI_CERTIFICATE_MALFORMED: "certificate_malformed",
  PKI_ALGORITHM_UNSUPPORTED: "weak_algorithm",
  PKI_PUBLIC_KEY_WEAK: "weak_algorithm",
};

/** What pki/ threw about a peer's certificate, as the refusal of that peer. Anything unforeseen refuses as well. */
export function asRefusal(error: unknown): GatewayError {
  if (error instanceof GatewayError) return error;
  if (!(error instanceof PkiError))
    return refusal("certificate_refused", "the certificate could not be judged", error);
  const reason =
    reasonOf[error.code] ??
    (error.code.startsWith("PKI_DER_")
      ? "certificate_malformed"
      : error.code.startsWith("PKI_IDENTITY_")
        ? "identity_malformed"
        : "certificate_refused");
  return refusal(reason, error.message, error);
}
