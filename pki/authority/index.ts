/** The private-key side of the PKI: for the command line and for tests, never for a gateway or a device. */

export { type RsaIdentity, readRsaPkcs12, writeLegacyPkcs12 } from "../compat/rsa-pkcs12.ts";
export { type AttackHolder, AttackIssuer, type AttackIssuerOptions } from "./attack-issuer.ts";
export {
  Authority,
  type Issued,
  type IssueManyRequest,
  type IssueRequest,
  type RenewRequest,
  type RevokeRequest,
} from "./authority.ts";
export {
  type CreatedAuthority,
  type CreateOptions,
  createAuthority,
  defaultGatewayNames,
  importAuthority,
} from "./create.ts";
export type { CrlOptions } from "./crl.ts";
export type { GatewayRequest } from "./gateway-certificate.ts";
export type { ImportOptions } from "./imported.ts";
export { fileNames, type Layout, layoutOf } from "./layout.ts";
export { numberedIds } from "./numbered-ids.ts";
export { type OpenOptions, openAuthority } from "./open.ts";
export type { KeySource } from "./requests.ts";
export { holdsAuthority } from "./staging.ts";
export { requireStrongKey } from "./strong-keys.ts";
