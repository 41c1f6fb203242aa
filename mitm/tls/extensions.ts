import type { RawExtension } from "../../dtls/wire/hello.ts";
import {
  decode,
  encode,
  opaque,
  struct,
  type Type,
  type TypeOf,
  uint8,
  uint16,
  uint32,
  vector,
} from "../../dtls/wire/presentation.ts";
import { ExtensionType } from "./numbers.ts";

/** RFC 8446 §4.2.8: `struct { NamedGroup group; opaque key_exchange<1..2^16-1>; } KeyShareEntry;` */
const KeyShareEntry = struct({ group: uint16, keyExchange: opaque(0, 2 ** 16 - 1) });
export type KeyShareEntry = TypeOf<typeof KeyShareEntry>;

const uint16List = vector(uint16, 2, 2 ** 16 - 2);
const keyShares = vector(KeyShareEntry, 0, 2 ** 16 - 1);
const protocolNames = vector(opaque(1, 2 ** 8 - 1), 2, 2 ** 16 - 1);
const serverNames = vector(struct({ nameType: uint8, name: opaque(0, 2 ** 16 - 1) }), 1, 2 ** 16 - 1);
const versionList = vector(uint16, 2, 254);
const modes = vector(uint8, 1, 255);
const renegotiatedConnection = opaque(0, 255);
const authorities = vector(opaque(1, 2 ** 16 - 1), 0, 2 ** 16 - 1);
const cookieBytes = opaque(1, 2 ** 16 - 1);

/**
 * RFC 8446 §4.2.11
 *     struct { opaque identity<1..2^16-1>; uint32 obfuscated_ticket_age; } PskIdentity;
 *     opaque PskBinderEntry<32..255>;
 *     struct {
 *         PskIdentity identities<7..2^16-1>;
 *         PskBinderEntry binders<33..2^16-1>;
 *     } OfferedPsks;
 */
const OfferedPsks = struct({
  identities: vector(
    struct({ identity: opaque(1, 2 ** 16 - 1), obfuscatedTicketAge: uint32 }),
    7,
    2 ** 16 - 1,
  ),
  binders: vector(opaque(0, 255), 1, 2 ** 16 - 1),
});
export type OfferedPsks = TypeOf<typeof OfferedPsks>;

function make<T>(extensionType: number, type: Type<T>, value: T): RawExtension {
  return { extensionType, extensionData: encode(type, value) };
}

function empty(extensionType: number): RawExtension {
  return { extensionType, extensionData: new Uint8Array() };
}

/** Extensions as the hellos carry them; the values are not checked, so that they may be wrong. */
export const extension = {
  /** RFC 6066 §3; bytes for a name that is none. */
  serverName: (name: string | Uint8Array) =>
    make(ExtensionType.server_name, serverNames, [{ nameType: 0, name: Buffer.from(name) }]),
  serverNameAcknowledged: () => empty(ExtensionType.server_name),
  supportedGroups: (groups: readonly number[]) => make(ExtensionType.supported_groups, uint16List, groups),
  ecPointFormats: () => make(ExtensionType.ec_point_formats, modes, [0]),
  signatureAlgorithms: (schemes: readonly number[]) =>
    make(ExtensionType.signature_algorithms, uint16List, schemes),
  applicationProtocols: (names: readonly string[]) =>
    make(
      ExtensionType.application_layer_protocol_negotiation,
      protocolNames,
      names.map((name) => Buffer.from(name, "latin1")),
    ),
  extendedMasterSecret: () => empty(ExtensionType.extended_master_secret),
  sessionTicket: (ticket: Uint8Array = new Uint8Array()): RawExtension => ({
    extensionType: ExtensionType.session_ticket,
    extensionData: ticket,
  }),
  renegotiationInfo: (renegotiated: Uint8Array = new Uint8Array()) =>
    make(ExtensionType.renegotiation_info, renegotiatedConnection, renegotiated),
  supportedVersions: (versions: readonly number[]) =>
    make(ExtensionType.supported_versions, versionList, versions),
  selectedVersion: (version: number) => make(ExtensionType.supported_versions, uint16, version),
  keyShares: (entries: readonly KeyShareEntry[]) => make(ExtensionType.key_share, keyShares, entries),
  keyShare: (entry: KeyShareEntry) => make(ExtensionType.key_share, KeyShareEntry, entry),
  /** Of a HelloRetryRequest. */
  selectedGroup: (group: number) => make(ExtensionType.key_share, uint16, group),
  pskKeyExchangeModes: (list: readonly number[] = [1]) =>
    make(ExtensionType.psk_key_exchange_modes, modes, list),
  /** Must be the last one (RFC 8446 §4.2.11). */
  offeredPsks: (psks: OfferedPsks) => make(ExtensionType.pre_shared_key, OfferedPsks, psks),
  selectedPsk: (index: number) => make(ExtensionType.pre_shared_key, uint16, index),
  earlyData: () => empty(ExtensionType.early_data),
  maxEarlyData: (bytes: number) => make(ExtensionType.early_data, uint32, bytes),
  cookie: (cookie: Uint8Array) => make(ExtensionType.cookie, cookieBytes, cookie),
  certificateAuthorities: (names: readonly Uint8Array[]) =>
    make(ExtensionType.certificate_authorities, authorities, names),
  postHandshakeAuth: () => empty(ExtensionType.post_handshake_auth),
} as const;

/** What stands in an extension; undefined where it is not there. All throw DtlsError where it is malformed. */
export class ExtensionReader {
  readonly list: readonly RawExtension[];

  constructor(list: readonly RawExtension[] | undefined) {
    this.list = list ?? [];
  }

  data(extensionType: number): Uint8Array | undefined {
    return this.list.find((other) => other.extensionType === extensionType)?.extensionData;
  }

  has(extensionType: number): boolean {
    return this.data(extensionType) !== undefined;
  }

  /** The first type that stands twice. */
  get duplicate(): number | undefined {
    const seen = new Set<number>();
    for (const { extensionType } of this.list) {
      if (seen.has(extensionType)) return extensionType;
      seen.add(extensionType);
    }
    return undefined;
  }

  /** The name, as latin1, whatever it is made of. */
  serverName(): string | undefined {
    const names = this.#read(ExtensionType.server_name, "server_name", serverNames);
    const name = names?.find(({ nameType }) => nameType === 0)?.name;
    return name === undefined ? undefined : Buffer.from(name).toString("latin1");
  }

  supportedGroups(): readonly number[] | undefined {
    return this.#read(ExtensionType.supported_groups, "supported_groups", uint16List);
  }

  signatureAlgorithms(): readonly number[] | undefined {
    return this.#read(ExtensionType.signature_algorithms, "signature_algorithms", uint16List);
  }

  applicationProtocols(): readonly string[] | undefined {
    const type = ExtensionType.application_layer_protocol_negotiation;
    const names = this.#read(type, "application_layer_protocol_negotiation", protocolNames);
    return names?.map((name) => Buffer.from(name).toString("latin1"));
  }

  supportedVersions(): readonly number[] | undefined {
    return this.#read(ExtensionType.supported_versions, "supported_versions", versionList);
  }

  selectedVersion(): number | undefined {
    return this.#read(ExtensionType.supported_versions, "supported_versions", uint16);
  }

  keyShares(): readonly KeyShareEntry[] | undefined {
    return this.#read(ExtensionType.key_share, "key_share", keyShares);
  }

  keyShare(): KeyShareEntry | undefined {
    return this.#read(ExtensionType.key_share, "key_share", KeyShareEntry);
  }

  selectedGroup(): number | undefined {
    return this.#read(ExtensionType.key_share, "key_share", uint16);
  }

  offeredPsks(): OfferedPsks | undefined {
    return this.#read(ExtensionType.pre_shared_key, "pre_shared_key", OfferedPsks);
  }

  selectedPsk(): number | undefined {
    return this.#read(ExtensionType.pre_shared_key, "pre_shared_key", uint16);
  }

  pskKeyExchangeModes(): readonly number[] | undefined {
    return this.#read(ExtensionType.psk_key_exchange_modes, "psk_key_exchange_modes", modes);
  }

  maxEarlyData(): number | undefined {
    return this.#read(ExtensionType.early_data, "early_data", uint32);
  }

  renegotiationInfo(): Uint8Array | undefined {
    return this.#read(ExtensionType.renegotiation_info, "renegotiation_info", renegotiatedConnection);
  }

  cookie(): Uint8Array | undefined {
    return this.#read(ExtensionType.cookie, "cookie", cookieBytes);
  }

  certificateAuthorities(): readonly Uint8Array[] | undefined {
    return this.#read(ExtensionType.certificate_authorities, "certificate_authorities", authorities);
  }

  #read<T>(extensionType: number, name: string, type: Type<T>): T | undefined {
    const data = this.data(extensionType);
    return data === undefined ? undefined : decode(name, type, data);
  }
}
