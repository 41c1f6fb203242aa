import type { KeyObject } from "node:crypto";
import { PkiError } from "../errors.ts";
import type { CertificateRow, Inventory, RevocationReason } from "../inventory/index.ts";
import { issueCertificate } from "../issue.ts";
import type { Signer } from "../signer.ts";
import { type Certificate, parseCertificate } from "../x509/certificate.ts";
import { AttackIssuer, type AttackIssuerOptions, withoutAttacks } from "./attack-issuer.ts";
import { certificatesPem, presented, rootCrlDays } from "./create.ts";
import { type CrlOptions, publishCrl, signCrl } from "./crl.ts";
import { type GatewayRequest, replaceGatewayCertificate } from "./gateway-certificate.ts";
import { keyId, rowOf } from "./record.ts";
import { renewIssuingCertificate } from "./renew-issuing.ts";
import { type KeySource, type SubjectKey, subjectKey } from "./requests.ts";

export interface IssueRequest extends KeySource {
  readonly id: string;
  /** Default device. */
  readonly kind?: "device" | "operator";
  readonly group?: string;
  /** Default: the profile's. Cut to the issuing CA's end. */
  readonly validityDays?: number;
}

export interface IssueManyRequest extends Omit<IssueRequest, "id" | "csr" | "publicKey"> {
  /** One device for each; `numberedIds` makes some. */
  readonly ids: Iterable<string>;
  /** Called after each batch with how many certificates are done. */
  readonly onProgress?: (done: number, total: number) => void;
}

export interface RenewRequest extends KeySource {
  readonly id: string;
  readonly kind?: "device" | "operator";
  /** Certify the key of the newest certificate again, for a device that keeps it. Default: a new key. */
  readonly sameKey?: boolean;
  readonly validityDays?: number;
  /** Renew although the newest certificate was revoked. Its key stays refused when that was for keyCompromise. */
  readonly afterRevocation?: boolean;
}

export interface RevokeRequest {
  readonly id: string;
  readonly kind?: "device" | "operator" | "gateway";
  readonly reason?: RevocationReason;
  /** Only this certificate; default all of the identity that are not revoked yet. */
  readonly fingerprint?: string;
}

export interface Issued {
  readonly id: string;
  readonly kind: "device" | "operator";
  readonly certificate: Certificate;
  /** The certificate and the issuing CA, PEM: what the device presents. */
  readonly chainPem: string;
  /** The root, PEM: what the device trusts. */
  readonly caPem: string;
  /** Present when the key was made here. It is not kept: write it where the device finds it. */
  readonly privateKey?: KeyObject;
}

/** What `openAuthority` found. */
export interface AuthorityParts {
  readonly directory: string;
  readonly trustDomain: string;
  readonly root: Certificate;
  /** The issuing CA and what lies between it and the root. */
  readonly chain: readonly [Certificate, ...Certificate[]];
  readonly inventory: Inventory;
  readonly now: () => Date;
  /** Opens the issuing CA's key. */
  readonly signer: () => Signer;
  readonly rootSigner: (passphrase: string | undefined) => Signer;
}

const batchSize = 256;

/**
 * The private-key side of the PKI. A certificate leaves it only after the inventory has it on the disk; every request
 * is in the audit log, refused ones too. Several processes may have one directory open.
 */
export class Authority {
  readonly directory: string;
  readonly trustDomain: string;
  readonly root: Certificate;
  readonly issuing: Certificate;
  readonly inventory: Inventory;
  /** The root, PEM. */
  readonly caPem: string;
  readonly #issuersPem: string;
  readonly #parts: AuthorityParts;

  constructor(parts: AuthorityParts) {
    this.directory = parts.directory;
    this.trustDomain = parts.trustDomain;
    this.root = parts.root;
    this.issuing = parts.chain[0];
    this.inventory = parts.inventory;
    this.caPem = certificatesPem([parts.root]);
    this.#issuersPem = certificatesPem(presented(parts.chain, parts.root));
    this.#parts = parts;
  }

  /**
   * Adds a device or operator and issues its first certificate. Throws PKI_DEVICE_EXISTS, PKI_IDENTITY_NAME,
   * PKI_DUPLICATE_KEY, PKI_PUBLIC_KEY_WEAK, PKI_CSR_PROOF_OF_POSSESSION, PKI_PROFILE, PKI_PASSPHRASE_REQUIRED, ...
   */
  async issue(request: IssueRequest): Promise<Issued> {
    const { kind = "device", id, group } = request;
    return this.#audited("certificate.refuse", kind, id, async () => {
      this.inventory.requireFreeId(id);
      const key = subjectKey(request);
      const issued = await this.#sign(kind, id, key, request.validityDays);
      this.inventory.transaction(() => {
        this.inventory.addDevice({ id, kind, group });
        this.#record([issued], "certificate.issue");
      });
      return issued;
    });
  }

  /**
   * Issues for many new devices, their keys made here: in batches, each of them one transaction, given out once it is
   * durable. Throws as `issue` does; what was given out before stays.
   */
  async *issueMany(request: IssueManyRequest): AsyncGenerator<Issued, void, undefined> {
    const { kind = "device", group, validityDays, onProgress } = request;
    const ids = [...request.ids];
    await this.#audited("certificate.refuse", kind, `${ids.length} ids`, async () => {
      this.requireFree(ids);
    });
    for (let done = 0; done < ids.length; ) {
      const batch: Issued[] = [];
      for (const id of ids.slice(done, done + batchSize)) {
        batch.push(await this.#sign(kind, id, subjectKey(request), validityDays));
      }
      this.inventory.transaction(() => {
        for (const { id } of batch) this.inventory.addDevice({ id, kind, group });
        this.#record(batch, "certificate.issue");
      });
      done += batch.length;
      onProgress?.(done, ids.length);
      yield* batch;
    }
  }

  /**
   * A further certificate for the same identity; the old one stays good until it ends or is revoked. Throws
   * PKI_DEVICE_UNKNOWN, PKI_DEVICE_RETIRED, PKI_CERTIFICATE_REVOKED, and as `issue` does.
   */
  async renew(request: RenewRequest): Promise<Issued> {
    const { id } = request;
    const kind = request.kind ?? this.inventory.device(id)?.kind ?? "device";
    return this.#audited("certificate.refuse", kind, id, async () => {
      const [newest] = withoutAttacks(this.inventory.certificatesOf(id, kind));
      if (this.inventory.device(id, kind) === undefined) {
        throw new PkiError("PKI_DEVICE_UNKNOWN", `no ${kind} ${id}: add it first`);
      }
      if (newest?.revokedAt !== undefined && request.afterRevocation !== true) {
        const why = `the newest certificate of ${id} was revoked (${newest.revocationReason ?? "unspecified"})`;
        throw new PkiError("PKI_CERTIFICATE_REVOKED", `${why}: it is renewed only when you say so`);
      }
      const key = request.sameKey === true ? keptKey(newest) : subjectKey(request);
      const issued = await this.#sign(kind, id, key, request.validityDays);
      this.#record([issued], "certificate.renew");
      return issued;
    });
  }

  /**
   * Revokes the certificates of an identity; durable, and seen by a running gateway, when `revoked` is set. Then signs
   * a new revocation list; when that fails (the issuing key is encrypted and no passphrase was given) the revocation
   * holds all the same, and `crlError` says why crl.pem is not up to date.
   */
  async revoke(
    request: RevokeRequest,
  ): Promise<{ readonly revoked: CertificateRow[]; readonly crlError?: PkiError }> {
    const { id, reason = "unspecified" } = request;
    const kind = request.kind ?? this.inventory.device(id)?.kind ?? "device";
    const revoked = await this.#audited("revocation.refuse", kind, id, async () =>
      this.inventory.transaction(() => {
        const rows = this.inventory.certificatesOf(id, kind);
        const chosen = rows.filter(({ fingerprint }) => fingerprint === (request.fingerprint ?? fingerprint));
        if (chosen.length === 0) {
          throw new PkiError(
            "PKI_CERTIFICATE_UNKNOWN",
            `${kind} ${id} has no such certificate: list them first`,
          );
        }
        const at = this.#parts.now();
        return chosen.filter(({ fingerprint }) => this.inventory.revoke(fingerprint, { reason, at }));
      }),
    );
    try {
      await this.writeCrl();
      return { revoked };
    } catch (error) {
      if (error instanceof PkiError) return { revoked, crlError: error };
      throw error;
    }
  }

  /** Signs the issuing CA's revocation list anew and writes crl.pem. */
  async writeCrl(
    options: Partial<CrlOptions> = {},
  ): Promise<{ readonly number: number; readonly entries: number }> {
    const crl = await signCrl(this.inventory, this.issuing, this.#parts.signer(), {
      now: this.#parts.now(),
      ...options,
    });
    publishCrl(this.inventory, this.directory, [this.issuing, this.root]);
    return crl;
  }

  /** Signs the root's revocation list anew and writes crl.pem. Throws PKI_ROOT_KEY_ABSENT, PKI_WRONG_PASSPHRASE. */
  async writeRootCrl(rootPassphrase: string | undefined, options: Partial<CrlOptions> = {}): Promise<void> {
    const signer = this.#parts.rootSigner(rootPassphrase);
    await signCrl(this.inventory, this.root, signer, {
      now: this.#parts.now(),
      validityDays: rootCrlDays,
      ...options,
    });
    publishCrl(this.inventory, this.directory, [this.issuing, this.root]);
  }

  /** Gives the gateway a new certificate: gateway.cert.pem, and gateway.key.pem when a new key is asked for. */
  async issueGateway(request: GatewayRequest = {}): Promise<Certificate> {
    return this.#audited("certificate.refuse", "gateway", "gateway", () =>
      replaceGatewayCertificate(this.#parts, this.#parts.signer(), request),
    );
  }

  /**
   * Gives the issuing CA a new certificate for the key that it has, so what it issued stays good. The one thing that
   * needs the root key. Open the authority again afterwards. Throws PKI_ROOT_KEY_ABSENT, PKI_WRONG_PASSPHRASE.
   */
  async renewIssuing(rootPassphrase: string | undefined, validityDays?: number): Promise<Certificate> {
    return this.#audited("certificate.refuse", "ca", "issuing", () =>
      renewIssuingCertificate(this.#parts, this.#parts.rootSigner(rootPassphrase), validityDays),
    );
  }

  /**
   * Lets a lab sign, with the issuing CA's own key, certificates that no profile allows, so that one's own gateway and
   * devices can be attacked with them: for the devices listed, for at most an hour, and revoked when the lab closes
   * it. Never call this but on the word of the person whose CA it is. What is refused all the same, see
   * `AttackIssuer`. What an earlier lab left behind, in any process, is revoked.
   * Throws PKI_PROFILE, PKI_DEVICE_UNKNOWN, PKI_DEVICE_RETIRED, PKI_CERTIFICATE_REVOKED, PKI_PASSPHRASE_REQUIRED, ...
   */
  async dangerouslyIssueForAttacks(options: AttackIssuerOptions): Promise<AttackIssuer> {
    return this.#audited("attack.refuse", "ca", "issuing", async () => {
      return new AttackIssuer(this.#parts, options, () => this.writeCrl());
    });
  }

  /** Throws PKI_DEVICE_EXISTS or PKI_IDENTITY_NAME unless all of these ids could be added now. */
  requireFree(ids: Iterable<string>): void {
    for (const id of ids) this.inventory.requireFreeId(id);
  }

  /** A leaf and the issuing CA, PEM. */
  chainPem(leaf: Certificate): string {
    return certificatesPem([leaf]) + this.#issuersPem;
  }

  close(): void {
    this.inventory.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async #sign(
    kind: "device" | "operator",
    id: string,
    key: SubjectKey,
    validityDays?: number,
  ): Promise<Issued> {
    const { publicKey, privateKey } = key;
    this.inventory.requireKeyFree(keyId(publicKey), kind, id);
    const der = await issueCertificate(
      kind,
      {
        publicKey,
        issuer: this.issuing,
        identity: { trustDomain: this.trustDomain, id },
        now: this.#parts.now(),
        ...(validityDays === undefined ? {} : { validityDays }),
      },
      this.#parts.signer(),
    );
    const certificate = parseCertificate(der);
    const issued = { id, kind, certificate, chainPem: this.chainPem(certificate), caPem: this.caPem };
    return privateKey === undefined ? issued : { ...issued, privateKey };
  }

  #record(batch: readonly Issued[], action: string): void {
    this.inventory.recordCertificates(
      batch.map(({ certificate, kind, id }) => rowOf(certificate, this.issuing, kind, { kind, id })),
      action,
    );
  }

  /** Runs a request; when it is refused the audit log says so before the caller learns of it. */
  async #audited<T>(action: string, kind: string, id: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof PkiError && !error.code.startsWith("PKI_INVENTORY_")) {
        const subject = `${kind}/${id.slice(0, 80)}`;
        this.inventory.audit.append({
          action,
          subject,
          details: { code: error.code, message: error.message.slice(0, 500) },
        });
      }
      throw error;
    }
  }
}

function keptKey(newest: CertificateRow | undefined): SubjectKey {
  if (newest === undefined)
    throw new PkiError("PKI_CERTIFICATE_UNKNOWN", "there is no certificate whose key could be kept");
  return { publicKey: parseCertificate(newest.der).publicKey };
}
