import { type KeyObject, randomFillSync } from "node:crypto";
import { PkiError } from "./errors.ts";
import { identityUri } from "./identity.ts";
import { BACKDATE_MINUTES, type Profile, type ProfileName, profiles } from "./profiles.ts";
import type { Signer } from "./signer.ts";
import type { Certificate } from "./x509/certificate.ts";
import type { NameConstraints, RawExtension } from "./x509/extensions.ts";
import type { GeneralName } from "./x509/general-name.ts";
import { ipAddressOctets } from "./x509/ip-address.ts";
import {
  authorityKeyIdentifier,
  basicConstraints,
  extendedKeyUsage,
  keyUsage,
  nameConstraints,
  ocspNoCheck,
  prepared,
  subjectAltName,
  subjectKeyIdentifier,
} from "./x509/make-extensions.ts";
import { Name } from "./x509/name.ts";
import { assertAcceptablePublicKey, exportPublicKey, keyIdentifierOf } from "./x509/public-key.ts";
import { type CertificateFields, signCertificate } from "./x509/sign.ts";

/** What a certificate is asked for with. Of a CSR only the public key comes here, once its possession was proven. */
export interface ProfileRequest {
  readonly publicKey: KeyObject;
  /** Who signs. Absent for a root alone, which signs itself. */
  readonly issuer?: Certificate;
  /** Profiles `device` and `operator`. */
  readonly identity?: { readonly trustDomain: string; readonly id: string };
  /** Profile `gateway`: DNS names and IP addresses, at least one. */
  readonly serverNames?: readonly string[];
  /** Wanted for CAs and responders; elsewhere the subject shows the first name to people. */
  readonly subject?: Name;
  /** CAs alone. Embedded TLS stacks refuse this critical extension, so there is none by default. */
  readonly nameConstraints?: NameConstraints;
  /** CAs alone: another limit than the profile's. */
  readonly pathLenConstraint?: number;
  readonly now: Date;
  /** Other than the profile's. Cut to the issuer's end. */
  readonly validityDays?: number;
  /** The exact end, `NO_EXPIRY` for none. Not cut. */
  readonly notAfter?: Date;
}

/**
 * A certificate of this profile, signed by `signer`, which must hold the issuer's key (a root's own); DER.
 * Throws PKI_PROFILE, PKI_IDENTITY_NAME, PKI_PUBLIC_KEY_WEAK.
 */
export async function issueCertificate(
  profile: ProfileName,
  request: ProfileRequest,
  signer: Signer,
): Promise<Uint8Array> {
  const fields = certificateFor(profile, request);
  if (request.issuer === undefined) {
    if (!signer.publicKey.equals(request.publicKey)) throw refused("a root is signed by its own key");
  } else if (authorityOf(request.issuer).checkedSigner !== signer) {
    if (!signer.publicKey.equals(request.issuer.publicKey)) throw refused("this key is not the issuer's");
    authorityOf(request.issuer).checkedSigner = signer;
  }
  return signCertificate(fields, signer);
}

/** What the certificate will say, without its signature. Throws as `issueCertificate` does. */
export function certificateFor(profileName: ProfileName, request: ProfileRequest): CertificateFields {
  const profile = profiles[profileName];
  const { issuer, publicKey } = request;
  assertAcceptablePublicKey(publicKey);
  if ((issuer === undefined) !== (profileName === "root"))
    throw refused("a root has no issuer, all others have one");
  const authority = issuer === undefined ? undefined : authorityOf(issuer);
  if (profile.ca && issuer?.basicConstraints?.pathLenConstraint === 0)
    throw refused("this issuer may not make another CA");
  const subjectPublicKeyInfo = exportPublicKey(publicKey);
  const names = namesFor(profile, request);
  const subject = request.subject ?? defaultSubject(profile, request);
  return {
    serialNumber: randomSerialNumber(),
    issuer: issuer?.subject ?? subject,
    ...validityFor(profile, request),
    subject,
    subjectPublicKeyInfo,
    extensions: extensionsFor(profile, request, subjectPublicKeyInfo, names, authority),
  };
}

/**
 * 16 random octets with the top bit 0 and the first octet not 0: always 16 octets as a positive INTEGER, 126.99 bits
 * of chance (RFC 5280 §4.1.2.2: at most 20 octets).
 */
export function randomSerialNumber(): Uint8Array {
  if (poolAt + SERIAL_OCTETS > pool.length) {
    randomFillSync(pool);
    poolAt = 0;
  }
  const serial = pool.slice(poolAt, poolAt + SERIAL_OCTETS);
  pool.fill(0, poolAt, poolAt + SERIAL_OCTETS);
  poolAt += SERIAL_OCTETS;
  serial[0] = (serial[0] ?? 0) & 0x7f;
  return serial[0] === 0 ? randomSerialNumber() : serial;
}

const SERIAL_OCTETS = 16;
/** One call to the system's generator for 256 serial numbers. */
const pool = new Uint8Array(256 * SERIAL_OCTETS);
let poolAt = pool.length;

interface Authority {
  readonly extension: RawExtension;
  checkedSigner: Signer | undefined;
}

/** What all certificates of one issuer share. */
const authorities = new WeakMap<Certificate, Authority>();

function authorityOf(issuer: Certificate): Authority {
  const known = authorities.get(issuer);
  if (known !== undefined) return known;
  if (issuer.basicConstraints?.ca !== true || issuer.keyUsage?.has("keyCertSign") === false) {
    throw refused(`${issuer.subject.toString()} is no CA`);
  }
  const keyIdentifier = issuer.subjectKeyIdentifier ?? keyIdentifierOf(issuer.subjectPublicKeyInfo);
  const authority = { extension: prepared(authorityKeyIdentifier(keyIdentifier)), checkedSigner: undefined };
  authorities.set(issuer, authority);
  return authority;
}

/** The extensions that are the same in every certificate of a profile. */
const fixedExtensions = new Map<Profile, readonly RawExtension[]>();

function fixedExtensionsOf(profile: Profile): readonly RawExtension[] {
  const known = fixedExtensions.get(profile);
  if (known !== undefined) return known;
  const list = [
    ...(profile.ca ? [] : [basicConstraints({ ca: false })]),
    keyUsage(...profile.keyUsage),
    ...(profile.extendedKeyUsage.length === 0 ? [] : [extendedKeyUsage(...profile.extendedKeyUsage)]),
    ...(profile.ocspNoCheck ? [ocspNoCheck()] : []),
  ].map(prepared);
  fixedExtensions.set(profile, list);
  return list;
}

function extensionsFor(
  profile: Profile,
  request: ProfileRequest,
  subjectPublicKeyInfo: Uint8Array,
  names: readonly GeneralName[],
  authority: Authority | undefined,
): RawExtension[] {
  const extensions = [...fixedExtensionsOf(profile)];
  if (profile.ca) {
    const pathLenConstraint = request.pathLenConstraint ?? profile.pathLenConstraint;
    extensions.unshift(
      basicConstraints(pathLenConstraint === undefined ? { ca: true } : { ca: true, pathLenConstraint }),
    );
    extensions.push(subjectKeyIdentifier(keyIdentifierOf(subjectPublicKeyInfo)));
    if (request.nameConstraints !== undefined) extensions.push(nameConstraints(request.nameConstraints));
  } else if (request.nameConstraints !== undefined || request.pathLenConstraint !== undefined) {
    throw refused("only a CA carries name constraints or a path length");
  }
  if (names.length > 0) extensions.push(subjectAltName(names));
  // RFC 5280 §4.2.1.1: in every certificate but a self-signed one.
  if (authority !== undefined) extensions.push(authority.extension);
  return extensions;
}

function namesFor(profile: Profile, request: ProfileRequest): GeneralName[] {
  const { identity, serverNames } = request;
  const wantsIdentity = profile.names === "device" || profile.names === "operator";
  if (
    (identity !== undefined) !== wantsIdentity ||
    (serverNames !== undefined) !== (profile.names === "server")
  ) {
    throw refused(`profile ${profile.name} takes ${wants[profile.names]}`);
  }
  if (identity !== undefined && wantsIdentity) {
    const value = identityUri(profile.names, identity.trustDomain, identity.id);
    return [{ type: "uniformResourceIdentifier", value }];
  }
  if (serverNames === undefined) return [];
  if (serverNames.length === 0) throw refused("a gateway certificate needs a server name");
  return serverNames.map(serverName);
}

const wants = {
  device: "an identity and no server names",
  operator: "an identity and no server names",
  server: "server names and no identity",
  none: "neither an identity nor server names",
} as const;

/** RFC 1123 §2.1 labels, in lower case; no wildcard: a gateway has a name. */
const HOST_NAME =
  /^(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** Whether a gateway's certificate can hold this name: a DNS name without wildcard, or an IP address. */
export function isServerName(text: string): boolean {
  return serverNameOf(text) !== undefined;
}

function serverName(text: string): GeneralName {
  const name = serverNameOf(text);
  if (name === undefined)
    throw refused(`not a host name or IP address: ${JSON.stringify(text.slice(0, 80))}`);
  return name;
}

function serverNameOf(text: string): GeneralName | undefined {
  const octets = ipAddressOctets(text);
  if (octets !== undefined) return { type: "iPAddress", value: octets };
  const lower = text.toLowerCase();
  // A name that ends in digits alone would be an IPv4 address gone wrong.
  if (!HOST_NAME.test(lower) || /(?:^|\.)\d+$/.test(lower)) return undefined;
  return { type: "dNSName", value: lower };
}

function defaultSubject(profile: Profile, { identity, serverNames }: ProfileRequest): Name {
  const commonName = identity?.id ?? serverNames?.find((name) => name.length <= MAX_COMMON_NAME);
  if (commonName === undefined) throw refused(`profile ${profile.name} needs a subject`);
  return Name.of({ CN: commonName });
}

/** RFC 5280 Appendix A: ub-common-name */
const MAX_COMMON_NAME = 64;
const DAY_MS = 86_400_000;

function validityFor(profile: Profile, request: ProfileRequest): { notBefore: Date; notAfter: Date } {
  const { issuer, now } = request;
  const start = Math.max(now.getTime() - BACKDATE_MINUTES * 60_000, issuer?.notBefore.getTime() ?? 0);
  const days = request.validityDays ?? profile.validityDays;
  if (!(days > 0 && days <= 36_525))
    throw refused(`a validity of ${days} days; use more than 0 and at most 36525`);
  const end = Math.min(now.getTime() + days * DAY_MS, issuer?.notAfter.getTime() ?? Number.POSITIVE_INFINITY);
  const notBefore = new Date(start);
  const notAfter = request.notAfter ?? new Date(end);
  if (!(notAfter > now)) throw refused("the certificate would be expired when it is made");
  return { notBefore, notAfter };
}

function refused(message: string): PkiError {
  return new PkiError("PKI_PROFILE", message);
}
