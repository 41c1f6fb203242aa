import { certificateCredential } from "./credentials.ts";
import { assertKnown, invalid } from "./option-checks.ts";
import type { CommonOptions } from "./options.ts";
import { readAnchors } from "./read-common-options.ts";

/** What of the options is about identity and cipher suites, and not about one port or one connection. */
const names = [
  "alpn",
  "ca",
  "cert",
  "certificateTypes",
  "ciphers",
  "credentials",
  "dangerouslyAcceptAnyPeer",
  "groups",
  "key",
  "passphrase",
  "peerCertificateTypes",
  "signatureSchemes",
  "verifyPeer",
] as const satisfies readonly (keyof CommonOptions)[];

export type SecureContextOptions = Pick<CommonOptions, (typeof names)[number]>;

/** Credentials and settings for many calls of `listen` and `connect`; made by `createSecureContext` alone. */
export class DTLSSecureContext {
  readonly #options: SecureContextOptions;

  /** See `createSecureContext`. */
  constructor(options: SecureContextOptions) {
    this.#options = options;
  }

  /** What the context stands for. @throws DtlsError DTLS_OPTIONS_INVALID for what is no context */
  static optionsOf(context: unknown): SecureContextOptions {
    if (typeof context === "object" && context !== null && #options in context) return context.#options;
    throw invalid("secureContext must be what createSecureContext returned");
  }
}

/**
 * Reads PEM once, for many calls of `listen` and `connect`: a program with a thousand clients has one context. It serves
 * both sides, and takes those of their options that are about identity and cipher suites.
 * @throws DtlsError DTLS_OPTIONS_INVALID, naming the option
 */
export function createSecureContext(options: SecureContextOptions): DTLSSecureContext {
  assertKnown(options, new Set<string>(names), "createSecureContext");
  const { cert, key, passphrase, ...others } = options;
  readAnchors(options.ca);
  if (cert === undefined && key === undefined) return new DTLSSecureContext(options);
  if (cert === undefined || key === undefined) throw invalid("cert and key are given together or not at all");
  if (others.credentials !== undefined) throw invalid("credentials stands in place of cert and key");
  return new DTLSSecureContext({ ...others, credentials: certificateCredential({ cert, key, passphrase }) });
}

/** The options with those of their `secureContext` among them. @throws DtlsError DTLS_OPTIONS_INVALID */
export function withSecureContext<T extends CommonOptions>(options: T): T {
  if (typeof options !== "object" || options === null || options.secureContext === undefined) return options;
  const doubled = names.find((name) => options[name] !== undefined);
  if (doubled !== undefined) throw invalid(`${doubled} belongs into the secureContext, not beside it`);
  const its = DTLSSecureContext.optionsOf(options.secureContext);
  return Object.assign({}, options, its, { secureContext: undefined });
}
