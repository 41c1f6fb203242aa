import { bitString, encode, encoded, sequence } from "../der/writer.ts";
import { PkiError } from "../errors.ts";
import type { CertificateRow, HolderKind } from "../inventory/index.ts";
import type { Signer } from "../signer.ts";
import { algorithmIdentifier, signatureAlgorithmFor } from "../x509/algorithms.ts";
import { type Certificate, parseCertificate } from "../x509/certificate.ts";
import { AttributeType, ExtendedKeyUsage } from "../x509/oids.ts";
import { type CertificateFields, signCertificate } from "../x509/sign.ts";
import type { AuthorityParts } from "./authority.ts";
import { canonicalKey, keyId } from "./record.ts";

/** Whose certificate the inventory says it is. The names in it may be others: that is the attack. */
export interface AttackHolder {
  readonly kind: HolderKind;
  /** "gateway" for the gateway, whose key may be certified again; of a CA any text, "lab". */
  readonly id: string;
}

export interface AttackIssuerOptions {
  /** What the certificates are for, in words: it goes into the audit log. */
  readonly purpose: string;
  /** Devices and operators that certificates may be made for, and whose names may stand in them. Nobody else's. */
  readonly devices: readonly string[];
  /** Also certificates that could pass for the gateway's: with server names, or good for serverAuth. Default false. */
  readonly gateway?: boolean;
  /** How long certificates are signed, in minutes; default and at most 60. */
  readonly minutes?: number;
}

/** What the inventory calls these certificates, where others have the name of their profile. */
const attackProfile = "attack";

/** No certificate made for an attack lives longer. */
const attackCertificateMinutes = 60;
const mostCertificates = 1000;
const minuteMs = 60_000;

/**
 * Signs with the issuing CA's own key what no profile allows, so that a gateway or a device can be attacked with
 * certificates that its CA issued by mistake. What it does not know to be harmless it refuses (PKI_PROFILE):
 *
 * - what `parseCertificate` cannot read, for it could be neither recorded nor revoked: no CRL, no OCSP response, no text;
 * - another issuer's name than the issuing CA's, which would pass for somebody else's certificate;
 * - a notAfter more than an hour ahead, and everything once the time is over or `close` was called;
 * - a CA certificate, unless the issuing CA's own pathLenConstraint of 0 makes it worthless as a CA: what it signs
 *   would be in no inventory;
 * - a delegated OCSP responder, who could declare revoked certificates good;
 * - the name of a device or operator that was not listed, wherever it stands, and server names or serverAuth unless
 *   the gateway was listed;
 * - a public key that belongs to another identity (PKI_DUPLICATE_KEY), a device that is unknown or retired
 *   (PKI_DEVICE_*), or whose newest certificate was revoked (PKI_CERTIFICATE_REVOKED).
 *
 * Each certificate is in the inventory and in the audit log before its signature is given out; refusals are in the
 * audit log as well. `close` revokes them all. What a process that died left behind is revoked when the next one
 * opens, or by `device revoke`, and ends within the hour anyway.
 */
export class AttackIssuer implements AsyncDisposable {
  readonly certificate: Certificate;
  readonly #parts: AuthorityParts;
  readonly #signer: Signer;
  readonly #listed: ReadonlySet<string>;
  readonly #gateway: boolean;
  readonly #until: number;
  readonly #publish: () => Promise<unknown>;
  #signed = 0;
  /** Certificates of one that died were revoked, and the revocation list does not say so yet. */
  #foundOpen = false;
  #closed = false;

  /** Only `Authority.dangerouslyIssueForAttacks` makes one. */
  constructor(parts: AuthorityParts, options: AttackIssuerOptions, publish: () => Promise<unknown>) {
    const { purpose, devices, gateway = false, minutes = attackCertificateMinutes } = options;
    if (purpose.trim() === "") throw refused("say what the certificates are for: the audit log keeps it");
    if (!(minutes > 0 && minutes <= attackCertificateMinutes)) {
      throw refused(`minutes must be more than 0 and at most ${attackCertificateMinutes}`);
    }
    for (const id of devices) requireGoodStanding(parts, id);
    this.certificate = parts.chain[0];
    this.#parts = parts;
    this.#signer = parts.signer();
    this.#listed = new Set(devices);
    this.#gateway = gateway;
    this.#until = parts.now().getTime() + minutes * minuteMs;
    this.#publish = publish;
    parts.inventory.transaction(() => {
      this.#foundOpen = revokeAttackCertificates(parts) > 0;
      parts.inventory.audit.append({
        action: "attack.open",
        subject: "ca/issuing",
        details: { purpose: purpose.slice(0, 500), devices: [...devices], gateway, minutes },
      });
    });
  }

  /** A certificate of these fields; the issuer's name is the issuing CA's. Throws PkiError as the class says. */
  async sign(fields: Omit<CertificateFields, "issuer">, holder: AttackHolder): Promise<Certificate> {
    const complete = { ...fields, issuer: this.certificate.subject };
    return parseCertificate(await signCertificate(complete, this.signerFor(holder)));
  }

  /**
   * The same as a `Signer` that signs a TBSCertificate and nothing else, for code that writes its own DER. Each
   * signature it gives makes a certificate of this holder. Default: of the listed device that the certificate names
   * (the subjectAltName goes before the subject); where it names none, of the gateway, of the lab as a CA, or of the
   * first device listed.
   */
  signerFor(holder?: AttackHolder): Signer {
    return {
      publicKey: this.#signer.publicKey,
      sign: (bytes) => this.#signTbs(Uint8Array.from(bytes), holder),
    };
  }

  /** How many certificates it has signed. */
  get signed(): number {
    return this.#signed;
  }

  /**
   * Revokes every certificate made for attacks and signs a new revocation list. The revocations are durable when
   * this resolves; it rejects where the list alone could not be written.
   */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    const { inventory } = this.#parts;
    const signed = this.#signed;
    inventory.transaction(() => {
      const revoked = revokeAttackCertificates(this.#parts);
      inventory.audit.append({ action: "attack.close", subject: "ca/issuing", details: { signed, revoked } });
    });
    if (signed > 0 || this.#foundOpen) await this.#publish();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #signTbs(tbs: Uint8Array, given: AttackHolder | undefined): Promise<Uint8Array> {
    const { inventory } = this.#parts;
    let holder = given ?? { kind: "ca", id: "unknown" };
    try {
      // With a signature of nothing: so that whatever is wrong is found before there is a true one.
      const unsigned = parseCertificate(this.#complete(tbs, Uint8Array.of(0)));
      holder = given ?? this.#holderOf(unsigned);
      this.#assertHarmless(unsigned, holder);
      const signature = await this.#signer.sign(tbs);
      this.#assertOpen();
      const certificate = parseCertificate(this.#complete(tbs, signature));
      inventory.recordCertificates(
        [
          {
            fingerprint: certificate.fingerprint,
            serialNumber: certificate.serialNumber,
            issuerKeyId: keyId(this.certificate),
            identityKind: holder.kind,
            identityId: holder.id,
            profile: attackProfile,
            notBefore: certificate.notBefore,
            notAfter: certificate.notAfter,
            spki: keyId(certificate),
            der: certificate.der,
          },
        ],
        "certificate.attack",
      );
      this.#signed += 1;
      return signature;
    } catch (error) {
      if (error instanceof PkiError && !error.code.startsWith("PKI_INVENTORY_")) {
        inventory.audit.append({
          action: "certificate.refuse",
          subject: `${holder.kind}/${holder.id.slice(0, 80)}`,
          details: { code: error.code, message: error.message.slice(0, 500), attack: true },
        });
      }
      throw error;
    }
  }

  #holderOf(certificate: Certificate): AttackHolder {
    const { inventory } = this.#parts;
    if (certificate.basicConstraints?.ca === true && certificate.subjectAltName === undefined) {
      return { kind: "ca", id: "lab" };
    }
    const named = namesIn(certificate).find((name) => this.#listed.has(name));
    if (named === undefined && couldServe(certificate)) return { kind: "gateway", id: "gateway" };
    const device = inventory.device(named ?? [...this.#listed][0] ?? "");
    if (device === undefined) throw refused("no device was listed for attacks");
    return { kind: device.kind, id: device.id };
  }

  #complete(tbs: Uint8Array, signature: Uint8Array): Uint8Array {
    const algorithm = algorithmIdentifier(signatureAlgorithmFor(this.#signer.publicKey));
    return encode(sequence(encoded(tbs), algorithm, bitString(signature)));
  }

  #assertOpen(): void {
    if (this.#closed) throw refused("the lab is closed: its certificates are revoked");
    if (this.#parts.now().getTime() >= this.#until)
      throw refused("the time for which the lab may sign is over");
    if (this.#signed >= mostCertificates)
      throw refused(`a lab signs at most ${mostCertificates} certificates`);
  }

  #assertHarmless(certificate: Certificate, holder: AttackHolder): void {
    this.#assertOpen();
    const { issuer, notAfter, basicConstraints, extendedKeyUsage, publicKey } = certificate;
    if (!issuer.equals(this.certificate.subject))
      throw refused("the issuing CA signs under its own name alone");
    const latest = this.#parts.now().getTime() + attackCertificateMinutes * minuteMs;
    if (notAfter.getTime() > latest) {
      throw refused(`a certificate for an attack ends within ${attackCertificateMinutes} minutes`);
    }
    if (basicConstraints?.ca === true && this.certificate.basicConstraints?.pathLenConstraint !== 0) {
      throw refused("what this CA below the issuing CA signed would be good, and in no inventory");
    }
    if (extendedKeyUsage?.includes(ExtendedKeyUsage.ocspSigning) === true) {
      throw refused("a delegated OCSP responder could declare revoked certificates good");
    }
    this.#assertListed(certificate, holder);
    this.#parts.inventory.requireKeyFree(keyId(canonicalKey(publicKey)), holder.kind, holder.id);
  }

  #assertListed(certificate: Certificate, holder: AttackHolder): void {
    const { inventory } = this.#parts;
    if (holder.kind === "device" || holder.kind === "operator") {
      if (!this.#listed.has(holder.id))
        throw refused(`${holder.kind} ${holder.id} was not listed for attacks`);
      requireGoodStanding(this.#parts, holder.id);
    }
    for (const text of namesIn(certificate)) {
      const device = inventory.device(text);
      if (device !== undefined && !this.#listed.has(device.id)) {
        throw refused(`${device.kind} ${device.id}, named in the certificate, was not listed for attacks`);
      }
    }
    if (!this.#gateway && (holder.kind === "gateway" || couldServe(certificate))) {
      throw refused("the gateway was not listed for attacks, and the certificate could pass for its own");
    }
  }
}

/** Certificates made for attacks say nothing about how their holder stands. */
export function withoutAttacks(rows: readonly CertificateRow[]): CertificateRow[] {
  return rows.filter(({ profile }) => profile !== attackProfile);
}

/** Every name that anybody might read the certificate by; of a URI its last segment, which is the id. */
function namesIn(certificate: Certificate): string[] {
  const others = (certificate.subjectAltName ?? []).flatMap((name) => {
    if (name.type === "uniformResourceIdentifier") return [name.value.split("/").at(-1) ?? "", name.value];
    return name.type === "dNSName" || name.type === "rfc822Name" ? [name.value] : [];
  });
  const { CN, UID, serialNumber } = AttributeType;
  return [...others, ...[CN, UID, serialNumber].flatMap((type) => certificate.subject.values(type))];
}

/** Whether a client that looks at less than ours does might take it for a server's. */
function couldServe({ extendedKeyUsage, subjectAltName = [] }: Certificate): boolean {
  const { serverAuth, anyExtendedKeyUsage } = ExtendedKeyUsage;
  return (
    subjectAltName.some(({ type }) => type === "dNSName" || type === "iPAddress") ||
    extendedKeyUsage === undefined ||
    extendedKeyUsage.includes(serverAuth) ||
    extendedKeyUsage.includes(anyExtendedKeyUsage)
  );
}

/** A device that may not have a certificate gets none by way of an attack either. */
function requireGoodStanding({ inventory }: AuthorityParts, id: string): void {
  const device = inventory.device(id);
  if (device === undefined)
    throw new PkiError("PKI_DEVICE_UNKNOWN", `no device or operator ${id}: add it first`);
  if (device.status !== "active") throw new PkiError("PKI_DEVICE_RETIRED", `${device.kind} ${id} is retired`);
  const [newest] = withoutAttacks(inventory.certificatesOf(id, device.kind));
  if (newest?.revokedAt !== undefined) {
    throw new PkiError("PKI_CERTIFICATE_REVOKED", `the newest certificate of ${id} was revoked`);
  }
}

function revokeAttackCertificates({ inventory, now }: AuthorityParts): number {
  const at = now();
  const open = inventory
    .expiringCertificates(new Date(at.getTime() + 2 * attackCertificateMinutes * minuteMs))
    .filter(({ profile }) => profile === attackProfile);
  for (const { fingerprint } of open) inventory.revoke(fingerprint, { reason: "cessationOfOperation", at });
  return open.length;
}

function refused(message: string): PkiError {
  return new PkiError("PKI_PROFILE", message);
}
