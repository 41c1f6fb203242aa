import { DtlsError } from "../errors.ts";
import type { RawExtension } from "./hello.ts";
import {
  checked,
  decode,
  encode,
  mapped,
  opaque,
  struct,
  type Type,
  type TypeOf,
  uint8,
  uint16,
  vector,
} from "./presentation.ts";
import { ECPointFormat, ExtensionType, NameType, nameOf } from "./registry.ts";

// --- what stands in extension_data ---

/** `struct { }`: that it is there says it all. */
const flag: Type<true> = { read: () => true, write: () => undefined };

/** RFC 5077 §3.2: the ticket without a length of its own. */
const rest: Type<Uint8Array> = {
  read: (reader) => reader.bytes(reader.remaining),
  write: (writer, value) => writer.bytes(value),
};

/**
 * RFC 6066 §3
 *     struct {
 *       NameType name_type;
 *       select (name_type) { case host_name: HostName; } name;
 *     } ServerName;
 *     opaque HostName<1..2^16-1>;
 *     struct {
 *       ServerName server_name_list<1..2^16-1>
 *     } ServerNameList;
 */
const ServerNameList = mapped(
  vector(
    struct({
      nameType: checked(uint8, (nameType) => {
        // The only type there is; how long a name of another type would be, nobody can know.
        if (nameType !== NameType.host_name) {
          throw new DtlsError("DTLS_DECODE_ERROR", `server_name: name_type ${nameType}`);
        }
      }),
      hostName: mapped(opaque(1, 2 ** 16 - 1), hostNameOf, asciiBytes),
    }),
    1,
    2 ** 16 - 1,
  ),
  (names): string => {
    const [name, second] = names;
    // RFC 6066 §3: no more than one name of the same type.
    if (name === undefined || second !== undefined) {
      throw new DtlsError("DTLS_ILLEGAL_PARAMETER", `server_name: ${names.length} host names`);
    }
    return name.hostName;
  },
  (hostName) => [{ nameType: NameType.host_name, hostName }],
);

/** RFC 6066 §4: `enum { 2^9(1), 2^10(2), 2^11(3), 2^12(4), (255) } MaxFragmentLength;` */
const MaxFragmentLength = checked(uint8, (code) => {
  if (code < 1 || code > 4)
    throw new DtlsError("DTLS_ILLEGAL_PARAMETER", `max_fragment_length: code ${code}`);
});

/** RFC 8422 §5.1.1: `struct { NamedCurve named_curve_list<2..2^16-1> } NamedCurveList;` */
const NamedCurveList = vector(uint16, 2, 2 ** 16 - 1);

/** RFC 8422 §5.1.2: `struct { ECPointFormat ec_point_format_list<1..2^8-1> } ECPointFormatList;` */
const ECPointFormatList = checked(vector(uint8, 1, 2 ** 8 - 1), (formats) => {
  // RFC 8422 §5.1.2: uncompressed (0) must be among them, else illegal_parameter.
  if (!formats.includes(ECPointFormat.uncompressed)) {
    throw new DtlsError("DTLS_ILLEGAL_PARAMETER", "ec_point_formats: without uncompressed");
  }
});

/** RFC 5246 §7.4.1.4.1: `SignatureAndHashAlgorithm supported_signature_algorithms<2..2^16-2>;` */
const SignatureAlgorithms = vector(uint16, 2, 2 ** 16 - 2);

/**
 * RFC 7301 §3.1. The names are bytes; here strings of one character a byte (latin1), so that each survives.
 *     opaque ProtocolName<1..2^8-1>;
 *     struct {
 *       ProtocolName protocol_name_list<2..2^16-1>
 *     } ProtocolNameList;
 */
const ProtocolNameList = vector(mapped(opaque(1, 2 ** 8 - 1), latin1Of, latin1Bytes), 2, 2 ** 16 - 1);

const SelectedProtocolName = mapped(
  ProtocolNameList,
  (names): string => {
    const [name, second] = names;
    // RFC 7301 §3.1: in the ServerHello the list holds exactly one name.
    if (name === undefined || second !== undefined) {
      throw new DtlsError("DTLS_ILLEGAL_PARAMETER", `ALPN: the server chose ${names.length} protocols`);
    }
    return name;
  },
  (name) => [name],
);

/** RFC 7250 §3: `CertificateType client_certificate_types<1..2^8-1>;`, and of one byte in the ServerHello. */
const CertificateTypes = vector(uint8, 1, 2 ** 8 - 1);

/** RFC 8449 §4: `uint16 RecordSizeLimit;` */
const RecordSizeLimit = checked(uint16, (limit) => {
  // RFC 8449 §4: values below 64 are illegal_parameter. Larger ones than we can send are the sender's affair.
  if (limit < 64) throw new DtlsError("DTLS_ILLEGAL_PARAMETER", `record_size_limit: ${limit}`);
});

/** RFC 9146 §3: `struct { opaque cid<0..2^8-1>; } ConnectionId;` */
const ConnectionId = opaque(0, 2 ** 8 - 1);

/** RFC 5746 §3.2: `struct { opaque renegotiated_connection<0..255>; } RenegotiationInfo;` */
const RenegotiationInfo = opaque(0, 255);

// --- which of them stand in which hello ---

const clientFields = {
  serverName: [ExtensionType.server_name, ServerNameList],
  /** RFC 6066 §4: the code, 1 to 4, for 2^9 to 2^12. */
  maxFragmentLength: [ExtensionType.max_fragment_length, MaxFragmentLength],
  supportedGroups: [ExtensionType.supported_groups, NamedCurveList],
  ecPointFormats: [ExtensionType.ec_point_formats, ECPointFormatList],
  signatureAlgorithms: [ExtensionType.signature_algorithms, SignatureAlgorithms],
  applicationProtocols: [ExtensionType.application_layer_protocol_negotiation, ProtocolNameList],
  clientCertificateTypes: [ExtensionType.client_certificate_type, CertificateTypes],
  serverCertificateTypes: [ExtensionType.server_certificate_type, CertificateTypes],
  extendedMasterSecret: [ExtensionType.extended_master_secret, flag],
  recordSizeLimit: [ExtensionType.record_size_limit, RecordSizeLimit],
  /** Empty: none yet, but one is wanted. */
  sessionTicket: [ExtensionType.session_ticket, rest],
  /** The id that the client wants to receive; empty: it sends one only. */
  connectionId: [ExtensionType.connection_id, ConnectionId],
  returnRoutabilityCheck: [ExtensionType.rrc, flag],
  renegotiationInfo: [ExtensionType.renegotiation_info, RenegotiationInfo],
} as const satisfies ExtensionFields;

const serverFields = {
  serverName: [ExtensionType.server_name, flag],
  maxFragmentLength: [ExtensionType.max_fragment_length, MaxFragmentLength],
  ecPointFormats: [ExtensionType.ec_point_formats, ECPointFormatList],
  applicationProtocol: [ExtensionType.application_layer_protocol_negotiation, SelectedProtocolName],
  clientCertificateType: [ExtensionType.client_certificate_type, uint8],
  serverCertificateType: [ExtensionType.server_certificate_type, uint8],
  extendedMasterSecret: [ExtensionType.extended_master_secret, flag],
  recordSizeLimit: [ExtensionType.record_size_limit, RecordSizeLimit],
  sessionTicket: [ExtensionType.session_ticket, flag],
  connectionId: [ExtensionType.connection_id, ConnectionId],
  returnRoutabilityCheck: [ExtensionType.rrc, flag],
  renegotiationInfo: [ExtensionType.renegotiation_info, RenegotiationInfo],
} as const satisfies ExtensionFields;

const clientHello = extensionSet(clientFields);
const serverHello = extensionSet(serverFields);

export type ClientExtensions = ValuesOf<typeof clientFields>;
export type ServerExtensions = ValuesOf<typeof serverFields>;

/** RFC 5246 §7.4.1.4: extensions that the server does not know are ignored. */
export function readClientExtensions(raw: readonly RawExtension[] | undefined): ClientExtensions {
  return clientHello.read(raw ?? []);
}

/**
 * `offered` is what our ClientHello held; `sentScsv`, whether TLS_EMPTY_RENEGOTIATION_INFO_SCSV was among its suites.
 * What the server chose must be of what was offered.
 */
export function readServerExtensions(
  raw: readonly RawExtension[] | undefined,
  offered: ClientExtensions,
  sentScsv: boolean,
): ServerExtensions {
  const solicited = new Set(clientHello.typesOf(offered));
  // RFC 5746 §3.4: the SCSV asks for renegotiation_info too.
  if (sentScsv) solicited.add(ExtensionType.renegotiation_info);
  // RFC 5246 §7.4.1.4.1: servers must not send it.
  solicited.delete(ExtensionType.signature_algorithms);
  for (const { extensionType } of raw ?? []) {
    // RFC 5246 §7.4.1.4: an extension that was not asked for ends the handshake with unsupported_extension.
    if (!solicited.has(extensionType)) {
      throw new DtlsError(
        "DTLS_UNSUPPORTED_EXTENSION",
        `the server sent extension ${nameOf(ExtensionType, extensionType)}, which was not offered`,
      );
    }
  }
  // supported_groups is left out of what is read, but not refused: some servers send theirs (RFC 8446 §4.2.7).
  const chosen = serverHello.read(raw ?? []);
  checkChoice("ALPN", chosen.applicationProtocol, offered.applicationProtocols);
  checkChoice("client_certificate_type", chosen.clientCertificateType, offered.clientCertificateTypes);
  checkChoice("server_certificate_type", chosen.serverCertificateType, offered.serverCertificateTypes);
  // RFC 6066 §4: the same value comes back, or none.
  checkChoice("max_fragment_length", chosen.maxFragmentLength, [offered.maxFragmentLength]);
  // RFC 8449 §5: both at once are illegal_parameter.
  if (chosen.maxFragmentLength !== undefined && chosen.recordSizeLimit !== undefined) {
    throw new DtlsError("DTLS_ILLEGAL_PARAMETER", "max_fragment_length and record_size_limit at once");
  }
  return chosen;
}

/** Undefined when there is none: then the hello has no such field. */
export function writeClientExtensions(extensions: ClientExtensions): RawExtension[] | undefined {
  return clientHello.write(extensions);
}

export function writeServerExtensions(extensions: ServerExtensions): RawExtension[] | undefined {
  return serverHello.write(extensions);
}

type ExtensionFields = Record<string, readonly [extensionType: number, type: Type<unknown>]>;
type ValuesOf<F extends ExtensionFields> = {
  readonly [K in keyof F]?: TypeOf<F[K][1]> | undefined;
};
interface ExtensionSet<Values> {
  read(raw: readonly RawExtension[]): Values;
  write(values: Values): RawExtension[] | undefined;
  typesOf(values: Values): number[];
}

function extensionSet<F extends ExtensionFields>(fields: F): ExtensionSet<ValuesOf<F>>;
function extensionSet(fields: ExtensionFields): ExtensionSet<Readonly<Record<string, unknown>>> {
  const entries = Object.entries(fields).map(([name, [extensionType, type]]) => {
    return { name, extensionType, type, label: nameOf(ExtensionType, extensionType) };
  });
  const byType = new Map(entries.map((entry) => [entry.extensionType, entry]));
  return {
    read(raw) {
      const seen = new Set<number>();
      const values: Record<string, unknown> = {};
      for (const { extensionType, extensionData } of raw) {
        // RFC 5246 §7.4.1.4: no more than one of a type, known to us or not.
        if (seen.has(extensionType)) {
          throw new DtlsError("DTLS_ILLEGAL_PARAMETER", `extension ${extensionType} stands twice`);
        }
        seen.add(extensionType);
        const known = byType.get(extensionType);
        if (known !== undefined) values[known.name] = decode(known.label, known.type, extensionData);
      }
      return values;
    },
    write(values) {
      const raw: RawExtension[] = [];
      for (const { name, extensionType, type } of entries) {
        const value = values[name];
        if (value !== undefined) raw.push({ extensionType, extensionData: encode(type, value) });
      }
      return raw.length > 0 ? raw : undefined;
    },
    typesOf: (values) =>
      entries.filter(({ name }) => values[name] !== undefined).map(({ extensionType }) => extensionType),
  };
}

function checkChoice<T>(name: string, chosen: T | undefined, offered: readonly T[] | undefined): void {
  if (chosen !== undefined && !offered?.includes(chosen)) {
    throw new DtlsError("DTLS_ILLEGAL_PARAMETER", `${name}: the server chose what was not offered`);
  }
}

function hostNameOf(bytes: Uint8Array): string {
  // RFC 6066 §3: ASCII; international names stand as A-labels. No name is longer than 255 (RFC 1035 §2.3.4), and a NUL
  // or a blank in one is there to be read differently by somebody else.
  if (bytes.length > 255 || !bytes.every((byte) => byte > 0x20 && byte < 0x7f)) {
    throw new DtlsError("DTLS_ILLEGAL_PARAMETER", "server_name: not a host name in ASCII");
  }
  return latin1Of(bytes);
}

function asciiBytes(text: string): Uint8Array {
  if (!/^[!-~]{1,255}$/.test(text)) throw new RangeError("server_name: not a host name in ASCII");
  return latin1Bytes(text);
}

function latin1Of(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
}

function latin1Bytes(text: string): Uint8Array {
  const bytes = Uint8Array.from(text, (character) => character.codePointAt(0) ?? 0);
  if (latin1Of(bytes) !== text) throw new RangeError("a protocol name must be of one byte a character");
  return bytes;
}
