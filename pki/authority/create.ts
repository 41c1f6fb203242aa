import { createPublicKey, type KeyObject } from "node:crypto";
import { hostname } from "node:os";
import { PkiError } from "../errors.ts";
import { writeFileAtomic } from "../files.ts";
import { DEFAULT_TRUST_DOMAIN, isValidTrustDomain } from "../identity.ts";
import { Inventory } from "../inventory/index.ts";
import { issueCertificate } from "../issue.ts";
import { generatePrivateKey, type KeyAlgorithm, writePrivateKeyFile } from "../keys.ts";
import { encodePem } from "../pem.ts";
import { KeySigner, type Signer } from "../signer.ts";
import { type Certificate, parseCertificate } from "../x509/certificate.ts";
import type { NameConstraints } from "../x509/extensions.ts";
import { Name } from "../x509/name.ts";
import { publishCrl, signCrl } from "./crl.ts";
import { type ImportedAuthority, type ImportOptions, readImportedAuthority } from "./imported.ts";
import { layoutOf } from "./layout.ts";
import { rowOf } from "./record.ts";
import { buildInPlace } from "./staging.ts";
import { requireStrongKey } from "./strong-keys.ts";

export interface CreateOptions {
  /** Encrypts the root key. Wanted unless an imported issuing CA brings no root key with it. */
  readonly rootPassphrase?: string;
  /** Encrypts the issuing CA's key; without one it is a file that its owner alone may read. */
  readonly issuingPassphrase?: string;
  /** Default p384. */
  readonly rootAlgorithm?: KeyAlgorithm;
  /** Default p256. */
  readonly issuingAlgorithm?: KeyAlgorithm;
  /** Default p256. */
  readonly gatewayAlgorithm?: KeyAlgorithm;
  /** Default sallyport.internal. */
  readonly trustDomain?: string;
  /** The O attribute of the CAs' names; default Sallyport. */
  readonly organization?: string;
  /** DNS names and IP addresses of the gateway; default localhost, 127.0.0.1, ::1 and this machine's host name. */
  readonly gatewayNames?: readonly string[];
  /** For the issuing CA; none by default, for embedded TLS stacks refuse this critical extension. */
  readonly nameConstraints?: NameConstraints;
  /**
   * Throws the root key away instead of writing it: nobody can ever renew the issuing CA. For authorities that live
   * for minutes (a demonstration, a test).
   */
  readonly dangerouslyDiscardRootKey?: boolean;
  readonly now?: () => Date;
  /** Who acts, for the audit log; default the operating system's user name. */
  readonly actor?: string;
}

export interface CreatedAuthority {
  readonly trustDomain: string;
  readonly root: Certificate;
  readonly issuing: Certificate;
  readonly gateway: Certificate;
  readonly gatewayNames: readonly string[];
  /** Whether root.key.pem was written: the file to keep off this machine. */
  readonly wroteRootKey: boolean;
}

/**
 * Makes an authority in `directory`: root, issuing CA, gateway certificate, revocation lists and inventory, all or
 * nothing. Throws PKI_AUTHORITY_EXISTS, PKI_PASSPHRASE_REQUIRED, PKI_PROFILE, PKI_ALGORITHM_UNSUPPORTED.
 */
export async function createAuthority(directory: string, options: CreateOptions): Promise<CreatedAuthority> {
  return create(directory, options, undefined);
}

/**
 * As `createAuthority`, around an RSA CA that the user already has, from a PKCS#12 file. A self-signed one becomes
 * the root of a new issuing CA, or issues by itself when its pathLenConstraint is 0; any other issues by itself, under
 * the root that came in the same file. Throws PKI_IMPORT_REFUSED, PKI_PKCS12_*, PKI_WRONG_PASSPHRASE too.
 */
export async function importAuthority(
  directory: string,
  options: CreateOptions & ImportOptions,
): Promise<CreatedAuthority> {
  const now = (options.now ?? (() => new Date()))();
  return create(directory, options, readImportedAuthority(options, now));
}

export const defaultGatewayNames: readonly string[] = ["localhost", "127.0.0.1", "::1"];

interface Hierarchy {
  readonly root: Certificate;
  readonly rootKey: KeyObject | undefined;
  readonly issuing: Certificate;
  readonly issuingKey: KeyObject;
  /** The issuing CA and what lies between it and the root. */
  readonly chain: readonly Certificate[];
}

async function create(
  directory: string,
  options: CreateOptions,
  imported: ImportedAuthority | undefined,
): Promise<CreatedAuthority> {
  const trustDomain = options.trustDomain ?? DEFAULT_TRUST_DOMAIN;
  if (!isValidTrustDomain(trustDomain)) {
    throw new PkiError(
      "PKI_PROFILE",
      "a trust domain is lower-case letters, digits, dots, dashes and underscores",
    );
  }
  const bringsRootKey = imported === undefined || (imported.actsAsRoot && imported.mayHaveIssuing);
  const keepRootKey = bringsRootKey && options.dangerouslyDiscardRootKey !== true;
  if (keepRootKey && (options.rootPassphrase ?? "") === "") {
    throw new PkiError("PKI_PASSPHRASE_REQUIRED", "the root key is kept encrypted: give a passphrase for it");
  }
  if (options.issuingPassphrase === "") {
    throw new PkiError(
      "PKI_PASSPHRASE_REQUIRED",
      "an empty passphrase protects nothing: leave it out, or give one",
    );
  }
  return buildInPlace(directory, async (staging) => {
    const files = layoutOf(staging);
    const clock = options.now ?? (() => new Date());
    const now = clock();
    const hierarchy =
      imported === undefined
        ? await makeHierarchy(options, now)
        : await joinHierarchy(options, imported, now);
    const { root, rootKey, issuing, issuingKey, chain } = hierarchy;
    const issuingSigner = new KeySigner(issuingKey);
    const gatewayKey = generatePrivateKey(options.gatewayAlgorithm ?? "p256");
    const { gateway, gatewayNames } = await makeGateway(
      options.gatewayNames,
      gatewayKey,
      issuing,
      issuingSigner,
      now,
    );

    if (rootKey !== undefined && keepRootKey) {
      writePrivateKeyFile(files.rootKey, rootKey, passphrase(options.rootPassphrase));
    }
    writePrivateKeyFile(files.issuingKey, issuingKey, passphrase(options.issuingPassphrase));
    writePrivateKeyFile(files.gatewayKey, gatewayKey);
    writeFileAtomic(files.rootCertificate, certificatesPem([root]), 0o644);
    writeFileAtomic(files.anchors, certificatesPem([root]), 0o644);
    writeFileAtomic(files.issuingCertificate, certificatesPem(chain), 0o644);
    writeFileAtomic(files.gatewayCertificate, certificatesPem([gateway, ...presented(chain, root)]), 0o644);

    const actor = options.actor === undefined ? {} : { actor: options.actor };
    const inventory = Inventory.open(staging, { create: true, now: clock, ...actor });
    try {
      inventory.transaction(() => {
        inventory.set("trustDomain", trustDomain);
        inventory.audit.append({
          action: "authority.create",
          subject: "ca/root",
          details: { imported: imported !== undefined },
        });
        inventory.recordCertificates([rowOf(root, root, "root", { kind: "ca", id: "root" })]);
        if (issuing !== root) {
          inventory.recordCertificates([rowOf(issuing, root, "issuing", { kind: "ca", id: "issuing" })]);
        }
        inventory.recordCertificates([
          rowOf(gateway, issuing, "gateway", { kind: "gateway", id: "gateway" }),
        ]);
      });
      if (rootKey !== undefined) {
        await signCrl(inventory, root, new KeySigner(rootKey), { now, validityDays: rootCrlDays });
      }
      await signCrl(inventory, issuing, issuingSigner, { now });
      publishCrl(inventory, staging, [issuing, root]);
    } finally {
      inventory.close();
    }
    return { trustDomain, root, issuing, gateway, gatewayNames, wroteRootKey: keepRootKey };
  });
}

/** The root signs its list once a year, when somebody brings its key. */
export const rootCrlDays = 366;

async function makeHierarchy(options: CreateOptions, now: Date): Promise<Hierarchy> {
  const rootKey = generatePrivateKey(options.rootAlgorithm ?? "p384");
  const signer = new KeySigner(rootKey);
  const subject = Name.of({
    O: options.organization ?? "Sallyport",
    CN: `${options.organization ?? "Sallyport"} Root CA`,
  });
  const root = parseCertificate(
    await issueCertificate("root", { publicKey: signer.publicKey, subject, now }, signer),
  );
  return { ...(await makeIssuing(options, root, signer, now)), root, rootKey };
}

async function joinHierarchy(
  options: CreateOptions,
  imported: ImportedAuthority,
  now: Date,
): Promise<Hierarchy> {
  const { certificate, privateKey, root, chain, actsAsRoot, mayHaveIssuing } = imported;
  if (actsAsRoot && mayHaveIssuing) {
    return {
      ...(await makeIssuing(options, root, new KeySigner(privateKey), now)),
      root,
      rootKey: privateKey,
    };
  }
  return { root, rootKey: undefined, issuing: certificate, issuingKey: privateKey, chain };
}

async function makeIssuing(options: CreateOptions, root: Certificate, signer: Signer, now: Date) {
  const issuingKey = generatePrivateKey(options.issuingAlgorithm ?? "p256");
  const organization = options.organization ?? "Sallyport";
  const constraints =
    options.nameConstraints === undefined ? {} : { nameConstraints: options.nameConstraints };
  const der = await issueCertificate(
    "issuing",
    {
      publicKey: createPublicKey(issuingKey),
      issuer: root,
      subject: Name.of({ O: organization, CN: `${organization} Issuing CA` }),
      now,
      ...constraints,
    },
    signer,
  );
  const issuing = parseCertificate(der);
  return { issuing, issuingKey, chain: [issuing] };
}

async function makeGateway(
  names: readonly string[] | undefined,
  key: KeyObject,
  issuer: Certificate,
  signer: Signer,
  now: Date,
) {
  const publicKey = createPublicKey(key);
  requireStrongKey(publicKey);
  const gatewayNames = names ?? [...new Set([...defaultGatewayNames, ...machineName()])];
  const request = { publicKey, issuer, serverNames: gatewayNames, now };
  return { gateway: parseCertificate(await issueCertificate("gateway", request, signer)), gatewayNames };
}

/** A host name that a certificate can hold; many machines have one that it cannot. */
function machineName(): string[] {
  const name = hostname().toLowerCase();
  return /^(?=.{1,63}$)[a-z](?:[a-z0-9.-]*[a-z0-9])?$/.test(name) && !/[.-]{2}/.test(name) ? [name] : [];
}

function passphrase(text: string | undefined): { readonly passphrase?: string } {
  return text === undefined ? {} : { passphrase: text };
}

export function certificatesPem(certificates: readonly Certificate[]): string {
  return certificates.map(({ der }) => encodePem("CERTIFICATE", der)).join("");
}

/** What a peer sends behind its leaf: the chain without the root, which the other side has or does not trust. */
export function presented(chain: readonly Certificate[], root: Certificate): Certificate[] {
  return chain.filter(({ fingerprint }) => fingerprint !== root.fingerprint);
}
