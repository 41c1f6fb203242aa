import { type Suite, suites } from "../../dtls/crypto/suites.ts";
import type { ClientExtensions } from "../../dtls/wire/extensions.ts";
import type { DtlsOptions, Psk } from "./options.ts";
import { defaultSchemes } from "./signing.ts";
import { defaultGroups } from "./terms.ts";

interface OfferOptions extends DtlsOptions {
  readonly serverName?: string | undefined;
  readonly psk?: Psk | undefined;
}

/** Suites with certificates, but for a client that has a pre-shared key and nothing else. */
export function defaultSuites({ psk, credential }: OfferOptions): number[] {
  const wanted = (suite: Suite): boolean =>
    suite.keyExchange.includes("PSK") ? psk !== undefined : psk === undefined || credential !== undefined;
  return suites.filter(wanted).map(({ id }) => id);
}

/** What a ClientHello offers. */
export function offeredExtensions(options: OfferOptions): ClientExtensions {
  const { serverName, groups = defaultGroups, signatureSchemes = defaultSchemes, connectionId } = options;
  return {
    ...(serverName !== undefined && { serverName }),
    supportedGroups: [...groups],
    ecPointFormats: [0],
    signatureAlgorithms: [...signatureSchemes],
    ...(options.extendedMasterSecret !== false && { extendedMasterSecret: true as const }),
    ...(connectionId !== undefined && { connectionId }),
    // renegotiation_info is asked for by the SCSV (RFC 5746 §3.4).
  };
}
