import type { ServerSettings } from "../association/settings.ts";
import type { Suite } from "../crypto/suites.ts";
import { DtlsError } from "../errors.ts";
import { type ClientExtensions, readClientExtensions } from "../wire/extensions.ts";
import { ClientHello } from "../wire/hello.ts";
import { decode } from "../wire/presentation.ts";
import { NamedGroup, nameOf, ProtocolVersion } from "../wire/registry.ts";
import type { HandshakeMessage } from "./step.ts";

/** RFC 5746 §3.3: stands in the list of cipher suites for an empty renegotiation_info. */
const TLS_EMPTY_RENEGOTIATION_INFO_SCSV = 0x00ff;

/** A ClientHello, read and found sound. */
export interface ClientOffer {
  readonly message: HandshakeMessage;
  readonly random: Uint8Array;
  readonly sessionId: Uint8Array;
  /** The suites of both sides, in our order; at least one. */
  readonly suites: readonly Suite[];
  readonly extensions: ClientExtensions;
  /** The client asked for RFC 5746's answer, by the extension or by the signalling suite. */
  readonly secureRenegotiation: boolean;
}

/** @throws DtlsError for what no later choice could mend */
export function readClientOffer(message: HandshakeMessage, settings: ServerSettings): ClientOffer {
  const hello = decode("ClientHello", ClientHello, message.body);
  // RFC 6347 §4.1: version numbers count down from {254, 255}. A client that can do later ones can do 1.2.
  if (hello.clientVersion > ProtocolVersion.DTLS_1_2 || hello.clientVersion < 0xfe00) {
    throw new DtlsError(
      "DTLS_PROTOCOL_VERSION",
      `the client offers ${nameOf(ProtocolVersion, hello.clientVersion)}, DTLS 1.2 is needed`,
    );
  }
  // RFC 5246 §7.4.1.2: compression_methods MUST contain, and all implementations MUST support, null.
  if (!hello.compressionMethods.includes(0)) {
    throw new DtlsError("DTLS_ILLEGAL_PARAMETER", "the client does not offer the null compression method");
  }
  const extensions = readClientExtensions(hello.extensions);
  // RFC 5746 §3.6: in a first handshake renegotiated_connection is empty, or the handshake is aborted.
  if ((extensions.renegotiationInfo?.length ?? 0) > 0) {
    throw new DtlsError("DTLS_ILLEGAL_PARAMETER", "renegotiation_info is not empty in a first ClientHello");
  }
  if (settings.requireExtendedMasterSecret && extensions.extendedMasterSecret !== true) {
    throw new DtlsError("DTLS_NO_EXTENDED_MASTER_SECRET", "the client does not offer extended_master_secret");
  }
  const suites = settings.cipherSuites.filter(({ id }) => hello.cipherSuites.includes(id));
  if (suites.length === 0) {
    throw new DtlsError("DTLS_NO_COMMON_SUITE", "no cipher suite is known to both sides");
  }
  return {
    message,
    random: Uint8Array.from(hello.random),
    sessionId: Uint8Array.from(hello.sessionId),
    suites,
    extensions,
    secureRenegotiation:
      extensions.renegotiationInfo !== undefined ||
      hello.cipherSuites.includes(TLS_EMPTY_RENEGOTIATION_INFO_SCSV),
  };
}

/** RFC 8422 §4: a client that says nothing of groups is taken to know P-256, which every implementation has. */
export function chooseGroup(settings: ServerSettings, offer: ClientOffer): NamedGroup | undefined {
  const offered = offer.extensions.supportedGroups ?? [NamedGroup.secp256r1];
  return settings.groups.find((group) => offered.includes(group));
}

/** RFC 7301 §3.2: the first of our protocols that the client has too. @throws DtlsError DTLS_NO_APPLICATION_PROTOCOL */
export function chooseApplicationProtocol(settings: ServerSettings, offer: ClientOffer): string | undefined {
  const offered = offer.extensions.applicationProtocols;
  if (offered === undefined || settings.alpnProtocols.length === 0) return undefined;
  const chosen = settings.alpnProtocols.find((protocol) => offered.includes(protocol));
  if (chosen === undefined) {
    throw new DtlsError(
      "DTLS_NO_APPLICATION_PROTOCOL",
      // What the client offers is any bytes, which have no place in a log.
      `none of the client's ${offered.length} protocols is one of ${settings.alpnProtocols.join(", ")}`,
    );
  }
  return chosen;
}
