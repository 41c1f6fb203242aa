import { type Suite, suites } from "../../dtls/crypto/suites.ts";
import {
  type ClientExtensions,
  readServerExtensions,
  type ServerExtensions,
} from "../../dtls/wire/extensions.ts";
import type { ClientHello, RawExtension } from "../../dtls/wire/hello.ts";
import { ExtensionType, NamedGroup, ProtocolVersion } from "../../dtls/wire/registry.ts";
import type { MessageName } from "./names.ts";
import type { DtlsOptions } from "./options.ts";
import { MessageOrder } from "./order.ts";
import { authenticates } from "./signing.ts";
import type { Tolerance } from "./tolerance.ts";

/** RFC 5246 §7.3: what a client waits for. A suite without certificates has neither of the optional ones. */
export function messagesFromServer(tolerance: Tolerance, withCertificates = true): MessageOrder {
  const optional = !withCertificates;
  return new MessageOrder(
    [
      { name: "ServerHello" },
      { name: "Certificate", optional, skippedBy: "certificate-message-not-required" },
      { name: "ServerKeyExchange", optional, skippedBy: "server-key-exchange-not-required" },
      { name: "CertificateRequest", optional: true },
      { name: "ServerHelloDone" },
      { name: "ChangeCipherSpec" },
      { name: "Finished" },
    ],
    tolerance,
  );
}

/** RFC 5246 §7.3: what a server waits for after its own flight. */
export function messagesFromClient(
  tolerance: Tolerance,
  asks: { readonly certificate: boolean },
): MessageOrder {
  const optional = !asks.certificate;
  return new MessageOrder(
    [
      { name: "ClientHello" },
      { name: "Certificate", optional, skippedBy: "certificate-message-not-required" },
      { name: "ClientKeyExchange" },
      { name: "CertificateVerify", optional, skippedBy: "certificate-verify-not-required" },
      { name: "ChangeCipherSpec" },
      { name: "Finished" },
    ],
    tolerance,
  );
}

/** What a right client sends after ServerHelloDone. */
export function flightOf(requested: boolean, hasCredential: boolean): MessageName[] {
  const flight: MessageName[] = ["ClientKeyExchange", "ChangeCipherSpec", "Finished"];
  if (!requested) return flight;
  if (!hasCredential) return ["Certificate", ...flight];
  return ["Certificate", "ClientKeyExchange", "CertificateVerify", "ChangeCipherSpec", "Finished"];
}

/** What the server chose; an end without rules takes what it can read. */
export function answerOf(
  raw: readonly RawExtension[] | undefined,
  offered: ClientExtensions,
  tolerance: Tolerance,
): ServerExtensions {
  if (!tolerance.isAttacker) return readServerExtensions(raw, offered, true);
  const readable: ReadonlySet<number> = new Set([
    ExtensionType.extended_master_secret,
    ExtensionType.connection_id,
  ]);
  const all = { ...offered, extendedMasterSecret: true as const, connectionId: new Uint8Array() };
  return readServerExtensions(
    raw?.filter(({ extensionType }) => readable.has(extensionType)),
    all,
    true,
  );
}

export const defaultGroups: readonly number[] = [
  NamedGroup.x25519,
  NamedGroup.secp256r1,
  NamedGroup.secp384r1,
];

/** The group of this number; an attacker that was told of none that exists takes the one that everybody has. */
export function groupNamed(group: number | undefined): NamedGroup {
  return Object.values(NamedGroup).find((known) => known === group) ?? NamedGroup.secp256r1;
}

/** The suite that a server takes of those offered, if any fits. */
export function chooseSuite(
  offered: readonly number[],
  {
    credential,
    cipherSuites,
    psk,
  }: Pick<DtlsOptions, "credential" | "cipherSuites"> & { readonly psk?: unknown },
  tolerance: Tolerance,
): Suite | undefined {
  const proof = credential === undefined ? undefined : authenticates(credential.key);
  return suites.find((suite) => {
    if (cipherSuites !== undefined && !cipherSuites.includes(suite.id)) return false;
    if (!offered.includes(suite.id)) return false;
    if (suite.keyExchange === "PSK") return psk !== undefined || tolerance.lacks("psk-without-key");
    return suite.keyExchange === "ECDHE_PSK" ? psk !== undefined : suite.keyExchange === proof;
  });
}

/** RFC 8446 §4.2.1; a server of DTLS 1.2 ignores it. */
const supportedVersions = 43;

/** DTLS 1.2, but for a weak twin that obeys a hello of DTLS 1.0, or one with nothing else in supported_versions. */
export function versionFor(hello: ClientHello | undefined, tolerance: Tolerance): number {
  const { clientVersion = 0, extensions = [] } = hello ?? {};
  const list = extensions?.find(({ extensionType }) => extensionType === supportedVersions);
  const only = Buffer.from(list?.extensionData ?? []).toString("hex") === "02feff";
  const isOld = clientVersion > ProtocolVersion.DTLS_1_2 || only;
  return isOld && tolerance.lacks("legacy-version-accepted")
    ? ProtocolVersion.DTLS_1_0
    : ProtocolVersion.DTLS_1_2;
}
