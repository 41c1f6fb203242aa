import type { IdentityKind } from "./identity.ts";
import type { KeyUsage } from "./x509/extensions.ts";
import { ExtendedKeyUsage } from "./x509/oids.ts";

export type ProfileName = "root" | "issuing" | "gateway" | "device" | "operator" | "ocsp-responder";

/**
 * What a certificate of one kind says. The rules are those of the IoT certificate profile
 * (draft-ietf-uta-tls13-iot-profile, which updates RFC 7925): one name in an end-entity certificate, keyUsage critical
 * and digitalSignature alone, no subjectKeyIdentifier in the leaf, no extendedKeyUsage in a CA, and neither
 * cRLDistributionPoints nor authorityInfoAccess.
 */
export interface Profile {
  readonly name: ProfileName;
  readonly ca: boolean;
  /** RFC 5280 §4.2.1.9; undefined: no limit. */
  readonly pathLenConstraint: number | undefined;
  readonly keyUsage: readonly KeyUsage[];
  /** OIDs */
  readonly extendedKeyUsage: readonly string[];
  /** What goes into subjectAltName: the identity URI, the names a client may ask for, or nothing. */
  readonly names: IdentityKind | "server" | "none";
  /** RFC 6960 §4.2.2.2.1: id-pkix-ocsp-nocheck. */
  readonly ocspNoCheck: boolean;
  readonly validityDays: number;
}

/** notBefore lies this far back, so that a device whose clock is slow takes a new certificate at once. */
export const BACKDATE_MINUTES = 5;

const { clientAuth, ocspSigning, serverAuth } = ExtendedKeyUsage;
const endEntity = {
  ca: false,
  pathLenConstraint: undefined,
  keyUsage: ["digitalSignature"],
  ocspNoCheck: false,
} as const;
const authority = {
  ca: true,
  keyUsage: ["keyCertSign", "cRLSign"],
  extendedKeyUsage: [],
  names: "none",
  ocspNoCheck: false,
} as const;

export const profiles: Readonly<Record<ProfileName, Profile>> = {
  root: { name: "root", ...authority, pathLenConstraint: undefined, validityDays: 7305 },
  issuing: { name: "issuing", ...authority, pathLenConstraint: 0, validityDays: 1826 },
  gateway: {
    name: "gateway",
    ...endEntity,
    extendedKeyUsage: [serverAuth],
    names: "server",
    validityDays: 365,
  },
  // An LDevID: a device is a client and nothing else, so its certificate cannot pass for a gateway's.
  device: { name: "device", ...endEntity, extendedKeyUsage: [clientAuth], names: "device", validityDays: 90 },
  operator: {
    name: "operator",
    ...endEntity,
    extendedKeyUsage: [clientAuth],
    names: "operator",
    validityDays: 90,
  },
  "ocsp-responder": {
    name: "ocsp-responder",
    ...endEntity,
    extendedKeyUsage: [ocspSigning],
    names: "none",
    ocspNoCheck: true,
    validityDays: 30,
  },
};
