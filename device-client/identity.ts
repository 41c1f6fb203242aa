import { createPublicKey, type KeyObject } from "node:crypto";
import { createSecureContext, type SecureContext } from "node:tls";
import type { Credential } from "../dtls/index.ts";
import {
  type Certificate,
  encodePem,
  KeySigner,
  parseCertificates,
  readIdentity,
  type Signer,
} from "../pki/index.ts";
import { dtlsSigner } from "./dtls-signer.ts";
import { DeviceError, textOf } from "./errors.ts";
import { tlsRules } from "./tls-rules.ts";

/** Certificates as PEM text. */
export interface IdentityParts {
  /** The device's own certificate, then the CA certificates that lead towards the root. */
  readonly certificate: string;
  /** The trust anchors for the gateway. */
  readonly ca: string;
}

export interface IdentityOptions {
  /** For the check that the certificate is current. */
  readonly now?: () => Date;
}

/**
 * Who this device is: its key, its certificate, and the anchors by which it knows the gateway.
 *
 * Only `loadIdentity` and `identityFromSigner` make one, after the key was seen to fit the certificate.
 */
export class DeviceIdentity {
  readonly kind: "device" | "operator";
  readonly trustDomain: string;
  /** From subjectAltName; the common name is not read. */
  readonly id: string;
  readonly certificate: Certificate;
  /** The certificate and what follows it, PEM, as it is shown to the gateway. */
  readonly certificateChain: string;
  readonly anchors: readonly Certificate[];
  readonly #signer: Signer;
  readonly #chain: readonly Certificate[];
  #context: SecureContext | undefined;

  private constructor(
    signer: Signer,
    chain: readonly [Certificate, ...Certificate[]],
    anchors: readonly Certificate[],
  ) {
    const [leaf] = chain;
    const { kind, trustDomain, id } = identityOf(leaf);
    this.kind = kind;
    this.trustDomain = trustDomain;
    this.id = id;
    this.certificate = leaf;
    this.#chain = chain;
    this.certificateChain = chain.map((certificate) => encodePem("CERTIFICATE", certificate.der)).join("");
    this.anchors = anchors;
    this.#signer = signer;
  }

  /** Use `identityFromSigner` or `loadIdentity`. */
  static make(signer: Signer, parts: IdentityParts, options: IdentityOptions = {}): DeviceIdentity {
    const [leaf, ...rest] = certificatesIn(parts.certificate, "certificate");
    const anchors = certificatesIn(parts.ca, "ca");
    if (!leaf || anchors.length === 0) {
      throw new DeviceError(
        "DEVICE_IDENTITY_UNREADABLE",
        "certificate and ca need at least one PEM certificate each",
      );
    }
    if (!sameKey(signer.publicKey, leaf)) {
      throw new DeviceError(
        "DEVICE_IDENTITY_KEY_MISMATCH",
        "the private key does not belong to the certificate",
      );
    }
    assertCurrent(leaf, options.now?.() ?? new Date());
    const identity = new DeviceIdentity(signer, [leaf, ...rest], anchors);
    // Build it now: a key or certificate that OpenSSL does not take should fail here, not on some reconnect.
    if (signer instanceof KeySigner) identity.secureContext();
    return identity;
  }

  /**
   * The settings of every TLS connection under this identity: see `tlsRules`.
   * Throws DEVICE_SIGNER_UNSUPPORTED where the key is not at hand.
   */
  secureContext(): SecureContext {
    const key = this.#exportedKey("MQTT over TLS needs the private key itself, for node:tls asks no signer");
    try {
      this.#context ??= createSecureContext({
        ...tlsRules,
        key,
        cert: this.certificateChain,
        ca: this.anchors.map((anchor) => encodePem("CERTIFICATE", anchor.der)),
      });
      return this.#context;
    } catch (error) {
      throw new DeviceError(
        "DEVICE_IDENTITY_UNREADABLE",
        `TLS does not take this identity: ${textOf(error)}`,
        {
          cause: error,
        },
      );
    }
  }

  /**
   * What a DTLS handshake shows and signs with; the key may be anywhere.
   * Throws DEVICE_SIGNER_UNSUPPORTED for a kind of key that DTLS 1.2 does not know (ML-DSA).
   */
  dtlsCredential(): Credential {
    const chain = this.#chain.map((certificate) => certificate.der);
    return { certificateType: "X509", chain, signer: dtlsSigner(this.#signer) };
  }

  /**
   * The private key in PEM, for writing the identity to disk. Keep it out of logs.
   * Throws DEVICE_SIGNER_UNSUPPORTED where the key is not at hand.
   */
  exportPrivateKey(): string {
    return this.#exportedKey("the private key stays with its signer");
  }

  #exportedKey(why: string): string {
    if (this.#signer instanceof KeySigner) return this.#signer.exportForTls();
    throw new DeviceError("DEVICE_SIGNER_UNSUPPORTED", `${why}: use a KeySigner, or DTLS`);
  }
}

/**
 * An identity whose key is behind a `Signer`: in this process, in a TPM, on a token.
 *
 * DTLS works with any signer. MQTT needs a `KeySigner`: node:tls makes the handshake's signature itself and has no way
 * to call one, so that `connect` and `openSession` refuse others with DEVICE_SIGNER_UNSUPPORTED.
 * Throws the DEVICE_IDENTITY_* errors of `loadIdentity`.
 */
export function identityFromSigner(
  signer: Signer,
  parts: IdentityParts,
  options: IdentityOptions = {},
): DeviceIdentity {
  return DeviceIdentity.make(signer, parts, options);
}

/** Throws DEVICE_IDENTITY_OTHER_DEVICE unless both name the same device or operator of the same trust domain. */
export function assertSameDevice(current: DeviceIdentity, next: DeviceIdentity): void {
  const same =
    current.kind === next.kind && current.trustDomain === next.trustDomain && current.id === next.id;
  if (!same) {
    throw new DeviceError(
      "DEVICE_IDENTITY_OTHER_DEVICE",
      `the new certificate is for ${next.kind} ${next.id} (${next.trustDomain}), not ${current.kind} ${current.id} (${current.trustDomain})`,
    );
  }
}

/** Whether the certificate certifies this public key. */
export function sameKey(publicKey: KeyObject, certificate: Certificate): boolean {
  return publicKey.equals(certificate.publicKey);
}

/** The public half, to compare with a certificate. */
export function publicHalf(privateKey: KeyObject): KeyObject {
  return createPublicKey(privateKey);
}

function certificatesIn(pem: string, what: string): Certificate[] {
  try {
    return parseCertificates(pem);
  } catch (error) {
    throw new DeviceError(
      "DEVICE_IDENTITY_UNREADABLE",
      `${what} is not a PEM certificate: ${textOf(error)}`,
      {
        cause: error,
      },
    );
  }
}

function identityOf(leaf: Certificate): ReturnType<typeof readIdentity> {
  try {
    return readIdentity(leaf);
  } catch (error) {
    throw new DeviceError("DEVICE_IDENTITY_MALFORMED", `the certificate names no device: ${textOf(error)}`, {
      cause: error,
    });
  }
}

function assertCurrent(leaf: Certificate, now: Date): void {
  if (now > leaf.notAfter) {
    throw new DeviceError(
      "DEVICE_IDENTITY_EXPIRED",
      `the device's certificate ended ${leaf.notAfter.toISOString()}: renew it, or check the clock`,
    );
  }
  if (now < leaf.notBefore) {
    throw new DeviceError(
      "DEVICE_IDENTITY_NOT_YET_VALID",
      `the device's certificate begins ${leaf.notBefore.toISOString()} and the clock says ${now.toISOString()}: set the clock`,
    );
  }
}
