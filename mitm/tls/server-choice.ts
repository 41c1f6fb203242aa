import type { KeyObject } from "node:crypto";
import { defaultGroups } from "./client-offer.ts";
import type { TlsEndOptions } from "./end-options.ts";
import { ExtensionReader } from "./extensions.ts";
import type { ClientHello } from "./messages.ts";
import { ExtensionType, ProtocolVersion, TlsCipherSuite, type TlsVersion } from "./numbers.ts";
import { suite12, suite13, suites12, suites13, versionsOf } from "./suites.ts";
import type { TlsEnd } from "./tls-end.ts";
import { weakSuiteKinds, weakSuites } from "./weak-suites.ts";

export interface ChoiceOptions extends TlsEndOptions {
  /** Names that this server answers for; undefined: all. */
  readonly serverNames?: readonly string[];
}

/** What a ClientHello asked for. */
export class ClientRequest {
  readonly hello: ClientHello;
  readonly extensions: ExtensionReader;
  readonly serverName: string | undefined;
  readonly signatureSchemes: readonly number[];
  readonly groups: readonly number[];
  readonly #end: TlsEnd;
  readonly #options: ChoiceOptions;

  constructor(end: TlsEnd, options: ChoiceOptions, hello: ClientHello) {
    this.#end = end;
    this.#options = options;
    this.hello = hello;
    this.extensions = new ExtensionReader(hello.extensions);
    this.#checkForm();
    this.serverName = this.extensions.serverName();
    this.#checkServerName();
    this.signatureSchemes = this.extensions.signatureAlgorithms() ?? [];
    this.groups = this.extensions.supportedGroups() ?? [];
  }

  version(): TlsVersion | "legacy" {
    const end = this.#end;
    const versions = versionsOf(this.#options);
    const speaks = (version: TlsVersion) => versions.includes(version);
    const offered =
      this.extensions.supportedVersions() ??
      (this.hello.legacyVersion >= ProtocolVersion.TLS_1_2 ? [ProtocolVersion.TLS_1_2] : []);
    if (offered.includes(ProtocolVersion.TLS_1_3) && speaks("TLS 1.3")) return "TLS 1.3";
    // RFC 7507 §3
    const wanted = !this.hello.cipherSuites.includes(TlsCipherSuite.TLS_FALLBACK_SCSV) || !speaks("TLS 1.3");
    end.require("fallback-signal-ignored", wanted, "inappropriate_fallback", "the client could do more");
    if (offered.includes(ProtocolVersion.TLS_1_2) && speaks("TLS 1.2")) return "TLS 1.2";
    end.require("legacy-version-accepted", false, "protocol_version", "no version that both speak");
    return "legacy";
  }

  /** RFC 8446 §4.1.2, §4.2.8 and §9.2: what a hello of TLS 1.3 must have. */
  checkForm13(): void {
    const end = this.#end;
    const { extensions, hello, groups } = this;
    const rule = "malformed-hello-accepted";
    const plain = hello.compressionMethods.length === 1;
    end.require(rule, plain, "illegal_parameter", "compression methods in TLS 1.3");
    const shares = extensions.keyShares() ?? [];
    const complete =
      extensions.has(ExtensionType.supported_groups) === extensions.has(ExtensionType.key_share);
    end.require(rule, complete, "missing_extension", "one of supported_groups and key_share");
    const listed = shares.every(({ group }) => groups.includes(group));
    end.require(rule, listed, "illegal_parameter", "a key share of a group that is not offered");
    const once = new Set(shares.map(({ group }) => group)).size === shares.length;
    end.require(rule, once, "illegal_parameter", "two key shares of one group");
    const signatures = extensions.has(ExtensionType.signature_algorithms);
    const needed = !extensions.has(ExtensionType.pre_shared_key);
    end.require(rule, signatures || !needed, "missing_extension", "no signature_algorithms");
  }

  /** Of TLS 1.3. */
  suite13(): number {
    const own = this.#options.cipherSuites ?? suites13.map(({ id }) => id);
    const known = own.filter((id) => suite13(id) !== undefined);
    const common = known.find((id) => this.hello.cipherSuites.includes(id));
    return common ?? this.#end.refuse("handshake_failure", "no cipher suite that both speak");
  }

  /** Of TLS 1.2, for a key of this kind; "weak" for one that nobody should speak, where that is tolerated. */
  suite12(key: KeyObject | undefined): number | "weak" {
    const exchange = key?.asymmetricKeyType === "rsa" ? "ECDHE_RSA" : "ECDHE_ECDSA";
    const own = this.#options.cipherSuites ?? suites12.map(({ id }) => id);
    const known = own.filter((id) => suite12(id)?.keyExchange === exchange);
    const common = known.find((id) => this.hello.cipherSuites.includes(id));
    if (common !== undefined) return common;
    for (const kind of weakSuiteKinds) {
      const asked = weakSuites[kind].some((id) => this.hello.cipherSuites.includes(id));
      if (asked && !this.#end.holds(kind)) return "weak";
    }
    this.#end.refuse("handshake_failure", "no cipher suite that both speak");
  }

  /** The first of the own groups that the client offers; undefined where there is none. */
  group(): number | undefined {
    const own = this.#options.groups ?? defaultGroups;
    return own.find((group) => this.groups.includes(group));
  }

  /** RFC 7301 §3.2; undefined where none is agreed on. */
  applicationProtocol(): string | undefined {
    const { alpn } = this.#options;
    const offered = this.extensions.applicationProtocols();
    if (alpn === undefined) return undefined;
    if (offered === undefined) {
      this.#end.require("alpn-not-required", false, "no_application_protocol", "no ALPN");
      return undefined;
    }
    const common = alpn.find((name) => offered.includes(name));
    const rule = "alpn-not-checked";
    this.#end.require(rule, common !== undefined, "no_application_protocol", "no protocol that both speak");
    return common;
  }

  #checkForm(): void {
    const end = this.#end;
    const { duplicate, list } = this.extensions;
    end.require(
      "duplicate-extension",
      duplicate === undefined,
      "illegal_parameter",
      "an extension that stands twice",
    );
    const psk = list.findIndex(({ extensionType }) => extensionType === ExtensionType.pre_shared_key);
    const last = psk === -1 || psk === list.length - 1;
    end.require(
      "pre-shared-key-not-last",
      last,
      "illegal_parameter",
      "pre_shared_key is not the last extension",
    );
    const nullOffered = this.hello.compressionMethods.includes(0);
    end.require("malformed-hello-accepted", nullOffered, "illegal_parameter", "no null compression");
  }

  #checkServerName(): void {
    const end = this.#end;
    const { serverName } = this;
    if (serverName === undefined) return;
    const sound = /^[A-Za-z0-9._-]{1,255}$/.test(serverName);
    end.require("malformed-hello-accepted", sound, "illegal_parameter", "a server name that is none");
    const names = this.#options.serverNames;
    const known = names?.includes(serverName.toLowerCase()) !== false;
    end.require("server-name-not-checked", known, "unrecognized_name", `asked for ${serverName}`);
  }
}
