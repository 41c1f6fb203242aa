import {
  ExtendedKeyUsage,
  type GeneralName,
  identityUri,
  type Name,
  type NameFields,
  parseCertificate,
} from "../../pki/index.ts";
import type { Credential } from "../endpoint.ts";
import { NotApplicable } from "../errors.ts";
import {
  type CertificateOptions,
  caExtensions,
  leafExtensions,
  makeCertificate,
  serverNameOf,
} from "./certificate.ts";
import { Issuer } from "./issuer.ts";
import type { LabPki } from "./lab-pki.ts";
import { makeOcspResponse, type OcspResponseOptions } from "./ocsp-response.ts";
import { makeRevocationList, type RevocationListOptions } from "./revocation-list.ts";

export interface LeafOptions extends CertificateOptions {
  /** What transcripts call it: "an expired certificate". */
  readonly name?: string;
  /** Default: the issuing CA that the target trusts. `null`: signed by its own key. */
  readonly issuer?: Issuer | null;
  /** What stands in subjectAltName, instead of the names that are right. */
  readonly subjectAltName?: readonly GeneralName[];
}

export interface ForgedDevice extends LeafOptions {
  readonly id: string;
}

export interface ForgedGateway extends LeafOptions {
  /** DNS names and IP addresses. Default: those that the target takes its gateway for. */
  readonly names?: readonly string[];
}

export interface ForgedCa extends CertificateOptions {
  /** Default: the root. */
  readonly issuer?: Issuer;
  readonly pathLenConstraint?: number;
}

/**
 * Certificates that are right in all respects but the one asked for, from the CA that the target trusts or from others:
 *
 *     const expired = await forge.device({ id: "pump-1", notAfter: new Date(Date.now() - 3_600_000) });
 *     const rogue = await forge.gateway({ issuer: await forge.rogueIssuing() });
 *     const misnamed = await forge.gateway({ names: ["elsewhere.example"] });
 *
 * A forged gateway has the key of the honest one, so that a device with a pin has no other reason to refuse it; a
 * forged device has a key of its own. Nothing is checked: both may be as wrong as an attack wants them.
 */
export class Forge {
  readonly pki: LabPki;
  /** The names that the target takes its gateway for. */
  readonly serverNames: readonly string[];
  #cas = 0;

  constructor(pki: LabPki, serverNames: readonly string[] = []) {
    this.pki = pki;
    this.serverNames = serverNames;
  }

  /** An end-entity certificate for clientAuth, with the identity URI of a device. */
  async device({ id, ...options }: ForgedDevice): Promise<Credential> {
    const names: readonly GeneralName[] = options.subjectAltName ?? [
      { type: "uniformResourceIdentifier", value: identityUri("device", this.pki.trustDomain, id) },
    ];
    return this.#leaf(ExtendedKeyUsage.clientAuth, names, {
      name: `a forged certificate of ${id}`,
      subject: { CN: id },
      ...options,
    });
  }

  /** An end-entity certificate for serverAuth, with the right names and the honest gateway's key. */
  async gateway(options: ForgedGateway = {}): Promise<Credential> {
    const { names = this.serverNames } = options;
    return this.#leaf(ExtendedKeyUsage.serverAuth, options.subjectAltName ?? names.map(serverNameOf), {
      name: "a forged certificate of the gateway",
      // Not one of the names: who goes by the common name shall have no part in other attacks.
      subject: { CN: "gateway" },
      key: this.pki.gatewayKey,
      ...options,
    });
  }

  /**
   * A further CA, by default below the root that the target trusts.
   * @throws NotApplicable where the lab has no CA that may issue another: a real one, whose root is elsewhere
   */
  async ca(options: ForgedCa = {}): Promise<Issuer> {
    const issuer = options.issuer ?? this.pki.root;
    if (issuer === undefined) {
      throw new NotApplicable("the CA in use may not issue another, and its root is not in the lab");
    }
    // A name of its own: a CA named as its issuer is self-issued, and path lengths do not count it.
    this.#cas += 1;
    const subject = options.subject ?? { O: "Sallyport lab", CN: `Issuing CA ${this.#cas + 1}` };
    const made = await makeCertificate(
      issuer,
      { ...options, subject },
      caExtensions(options.pathLenConstraint),
    );
    return new Issuer({ name: made.name, certificate: made.der, above: issuer.chain, key: made.key });
  }

  /** Somebody else's self-signed CA; by default with the very name of the root that the target trusts. */
  async rogueRoot(options: Omit<ForgedCa, "issuer"> = {}): Promise<Issuer> {
    const subject: NameFields | Name = options.subject ?? this.#anchorName();
    const made = await makeCertificate(
      undefined,
      { ...options, subject },
      caExtensions(options.pathLenConstraint),
    );
    // Shown, as an attacker would: the target may take its word.
    return new Issuer({ name: made.name, certificate: made.der, key: made.key });
  }

  /** A CA below a rogue root, both named as those that the target trusts. */
  async rogueIssuing(options: Omit<ForgedCa, "issuer"> = {}): Promise<Issuer> {
    const root = await this.rogueRoot();
    return this.ca({ subject: this.pki.issuing.name, pathLenConstraint: 0, ...options, issuer: root });
  }

  /** A revocation list, DER; by default of the issuing CA, in force, and empty. */
  revocationList(options: RevocationListOptions = {}): Promise<Uint8Array> {
    return makeRevocationList(options.issuer ?? this.pki.issuing, options);
  }

  /**
   * An OCSP response about the first certificate of a chain, DER; by default of the issuing CA, in force, and "good".
   * @throws NotApplicable for a real CA, which answers for itself
   */
  async ocspResponse(
    { chain }: Credential,
    options: Partial<Omit<OcspResponseOptions, "certificate">> = {},
  ): Promise<Uint8Array> {
    const { origin, issuing } = this.pki;
    if (origin === "real") throw new NotApplicable("the CA in use answers OCSP requests itself, if at all");
    const [certificate = new Uint8Array()] = chain;
    return makeOcspResponse({ issuer: issuing, ...options, certificate });
  }

  async #leaf(
    purpose: string,
    names: readonly GeneralName[],
    options: LeafOptions & { readonly name: string },
  ): Promise<Credential> {
    const issuer = options.issuer === null ? undefined : (options.issuer ?? this.pki.issuing);
    // The IoT profile of RFC 7925bis: no subjectKeyIdentifier in an end-entity certificate.
    const without = [...(options.without ?? []), "subjectKeyIdentifier" as const];
    const made = await makeCertificate(
      issuer,
      { notAfter: this.pki.leafEnd, ...options, without },
      leafExtensions(purpose, names),
    );
    return { name: options.name, chain: [made.der, ...(issuer?.chain ?? [])], key: made.key };
  }

  #anchorName(): Name {
    const [anchor] = this.pki.anchors;
    if (anchor === undefined) throw new NotApplicable("the target's trust anchor is not known");
    return parseCertificate(anchor).subject;
  }
}
