import type { KeyObject } from "node:crypto";
import {
  DEFAULT_TRUST_DOMAIN,
  encodePem,
  importPublicKey,
  issueCertificate,
  keyIdentifierOf,
  makeExtension,
  Name,
  parseCertificate,
  randomSerialNumber,
  type Signer,
  signCertificateList,
  spkiPin,
} from "../../pki/index.ts";
import type { Credential } from "../endpoint.ts";
import { NotApplicable } from "../errors.ts";
import { newKey, spareKeys } from "./algorithms.ts";
import { caExtensions, hour, makeCertificate, publicKeyInfoOf } from "./certificate.ts";
import { Issuer } from "./issuer.ts";

export interface LabPkiOptions {
  /** Part of every device's identity URI. Default: that of a Sallyport installation. */
  readonly trustDomain?: string;
  /** How long its certificates are good for. Default 1. */
  readonly days?: number;
}

/** What a lab CA is made of, for keeping it in files. */
export interface KeptPki {
  readonly trustDomain: string;
  /** DER, and the private key. */
  readonly root: { readonly certificate: Uint8Array; readonly key: KeyObject };
  readonly issuing: { readonly certificate: Uint8Array; readonly key: KeyObject };
  readonly gatewayKey: KeyObject;
  /** Hex. */
  readonly revokedSerialNumber: string;
}

export interface RealCaOptions {
  readonly trustDomain: string;
  /** DER: what the targets trust. */
  readonly anchors: readonly Uint8Array[];
  /** DER: the certificate of the CA that issues, and those above it without the anchor, nearest first. */
  readonly issuing: readonly [Uint8Array, ...Uint8Array[]];
  /** Signs with the key of the CA that issues. */
  readonly signer: Signer;
  /** Private key of the gateway, where devices pin it and the user hands it over. Default: a new one. */
  readonly gatewayKey?: KeyObject;
}

/** What a lab's own CA lives for, unless told otherwise: it is made for a run, and nobody should trust it tomorrow. */
const defaultDays = 1;

const minute = 60_000;

interface Parts {
  readonly origin: "lab" | "real";
  readonly trustDomain: string;
  readonly root: Issuer | undefined;
  readonly issuing: Issuer;
  readonly anchors: readonly Uint8Array[];
  readonly gatewayKey: KeyObject;
  readonly revokedSerialNumber?: string;
  readonly days?: number;
}

/**
 * The CA that the targets of a run trust: a root, an issuing CA below it, and what they issue to honest ends. Made in
 * memory, or a real one of the user's. What is wrong on purpose comes from `Forge`.
 */
export class LabPki {
  readonly origin: "lab" | "real";
  readonly trustDomain: string;
  /** Undefined for a real CA: its root is not in the lab. */
  readonly root: Issuer | undefined;
  readonly issuing: Issuer;
  /** DER of the trust anchors. */
  readonly anchors: readonly Uint8Array[];
  /** The key of every honest gateway of this CA: the one that devices pin. */
  readonly gatewayKey: KeyObject;
  /** Hex of a serial number that the issuing CA's revocation list names, for a certificate yet to be made. */
  readonly revokedSerialNumber: string;
  readonly #days: number;
  #revocationLists: Promise<readonly Uint8Array[]> | undefined;

  private constructor(parts: Parts) {
    const { origin, trustDomain, root, issuing, anchors, gatewayKey } = parts;
    this.origin = origin;
    this.trustDomain = trustDomain;
    this.root = root;
    this.issuing = issuing;
    this.anchors = anchors;
    this.gatewayKey = gatewayKey;
    this.#days = parts.days ?? defaultDays;
    this.revokedSerialNumber = parts.revokedSerialNumber ?? Buffer.from(randomSerialNumber()).toString("hex");
  }

  /** A CA in memory. */
  static async create(options: LabPkiOptions = {}): Promise<LabPki> {
    const { trustDomain = DEFAULT_TRUST_DOMAIN, days = defaultDays } = options;
    const now = Date.now();
    const times = { notBefore: new Date(now - 24 * hour), notAfter: new Date(now + days * 24 * hour) };
    const rootSubject = Name.of({ O: "Sallyport lab", CN: "Lab root" });
    const made = await makeCertificate(
      undefined,
      { ...times, subject: rootSubject },
      caExtensions(undefined),
    );
    const root = new Issuer({
      name: rootSubject,
      certificate: made.der,
      isAnchor: true,
      key: made.key,
    });
    const below = await makeCertificate(
      root,
      { ...times, subject: { O: "Sallyport lab", CN: "Lab issuing CA" } },
      caExtensions(0),
    );
    const issuing = new Issuer({ name: below.name, certificate: below.der, key: below.key });
    return new LabPki({
      origin: "lab",
      trustDomain,
      root,
      issuing,
      anchors: [root.certificate],
      gatewayKey: await newKey("p256"),
      days,
    });
  }

  /** A CA that exists, and whose key may live elsewhere. Throws PkiError for certificates that cannot be read. */
  static async fromIssuer(options: RealCaOptions): Promise<LabPki> {
    const { trustDomain, anchors, issuing, signer, gatewayKey } = options;
    const [certificate, ...above] = issuing;
    const { subject: name } = parseCertificate(certificate);
    const isAnchor = anchors.some((anchor) => Buffer.compare(anchor, certificate) === 0);
    return new LabPki({
      origin: "real",
      trustDomain,
      root: undefined,
      issuing: new Issuer({ name, certificate, above, isAnchor, key: signer }),
      anchors,
      gatewayKey: gatewayKey ?? (await newKey("p256")),
    });
  }

  /** A lab CA that was kept, as `keep` gave it. Throws PkiError for certificates that cannot be read. */
  static restore(kept: KeptPki): LabPki {
    const { trustDomain, gatewayKey, revokedSerialNumber } = kept;
    const issuerOf = ({ certificate, key }: KeptPki["root"], isAnchor: boolean) =>
      new Issuer({ name: parseCertificate(certificate).subject, certificate, isAnchor, key });
    const root = issuerOf(kept.root, true);
    return new LabPki({
      origin: "lab",
      trustDomain,
      root,
      issuing: issuerOf(kept.issuing, false),
      anchors: [root.certificate],
      gatewayKey,
      revokedSerialNumber,
    });
  }

  /** Everything that makes this lab CA, its private keys among it. @throws NotApplicable for a real CA */
  keep(): KeptPki {
    const { trustDomain, root, issuing, gatewayKey, revokedSerialNumber } = this;
    if (root === undefined) throw new NotApplicable("a real CA is kept where it is");
    const parts = ({ certificate, key }: Issuer) => ({ certificate, key });
    return { trustDomain, root: parts(root), issuing: parts(issuing), gatewayKey, revokedSerialNumber };
  }

  /** The trust anchors as PEM, for a target's configuration. */
  get anchorsPem(): string {
    return this.anchors.map((der) => encodePem("CERTIFICATE", der)).join("");
  }

  /** The pin of the honest gateways' key: "sha256/..." */
  get pin(): string {
    return spkiPin(publicKeyInfoOf(this.gatewayKey));
  }

  /** The pins that a device of the lab's own holds: of the gateway's key, and of the spare ones. */
  async pins(): Promise<readonly string[]> {
    const { p256, rsa2048, rsa1024 } = await spareKeys();
    return [this.gatewayKey, p256, rsa2048, rsa1024].map((key) => spkiPin(publicKeyInfoOf(key)));
  }

  /** When a leaf made now ends: a certificate of a real CA must not be worth stealing. */
  get leafEnd(): Date {
    return new Date(Date.now() + (this.origin === "real" ? 50 * minute : this.#days * 23 * hour));
  }

  /** What an honest gateway with these names (DNS names and IP addresses) shows. Throws PkiError PKI_PROFILE. */
  async gateway(names: readonly string[]): Promise<Credential> {
    const der = await issueCertificate(
      "gateway",
      {
        publicKey: importPublicKey(publicKeyInfoOf(this.gatewayKey)),
        issuer: this.issuing.parsed,
        serverNames: names,
        now: new Date(),
        notAfter: this.leafEnd,
      },
      this.issuing.signer,
    );
    return { name: "the gateway's certificate", chain: [der, ...this.issuing.chain], key: this.gatewayKey };
  }

  /** What an honest device shows. Throws PkiError PKI_IDENTITY_NAME. */
  async device(id: string): Promise<Credential> {
    const key = await newKey("p256");
    const der = await issueCertificate(
      "device",
      {
        publicKey: importPublicKey(publicKeyInfoOf(key)),
        issuer: this.issuing.parsed,
        identity: { trustDomain: this.trustDomain, id },
        now: new Date(),
        notAfter: this.leafEnd,
      },
      this.issuing.signer,
    );
    return { name: `the certificate of ${id}`, chain: [der, ...this.issuing.chain], key };
  }

  /**
   * DER of the revocation lists in force: of the issuing CA, with `revokedSerialNumber` in it, and of the root, where it
   * is the lab's own. The same ones for the whole run; none for a real CA, whose lists are its own business.
   */
  revocationLists(): Promise<readonly Uint8Array[]> {
    this.#revocationLists ??= this.#signRevocationLists();
    return this.#revocationLists;
  }

  async #signRevocationLists(): Promise<readonly Uint8Array[]> {
    if (this.origin === "real") return [];
    const now = Date.now();
    const sign = (issuer: Issuer, serialNumbers: readonly string[]) =>
      signCertificateList(
        {
          issuer: issuer.name,
          thisUpdate: new Date(now - hour),
          nextUpdate: new Date(now + (this.#days * 24 - 1) * hour),
          revoked: serialNumbers.map((serialNumber) => ({
            serialNumber,
            revocationDate: new Date(now - hour),
            reason: "keyCompromise",
          })),
          extensions: [
            makeExtension.authorityKeyIdentifier(keyIdentifierOf(issuer.publicKeyInfo)),
            makeExtension.cRLNumber(1),
          ],
        },
        issuer.signer,
      );
    const lists = [await sign(this.issuing, [this.revokedSerialNumber])];
    if (this.root !== undefined) lists.push(await sign(this.root, []));
    return lists;
  }
}
