/** Certificate path validation (RFC 5280 §6, RFC 9525). */

export type { PathPurpose } from "./certificate-checks.ts";
export type { RevocationMode } from "./revocation.ts";
export { type PathOptions, ValidatedPath, validatePath } from "./validate-path.ts";
export { defaultPathLimits, type PathLimits } from "./work.ts";
