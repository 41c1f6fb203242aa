import type { OutgoingHook } from "../endpoint.ts";
import type { TlsClientOptions } from "../tls/client.ts";
import { extension } from "../tls/extensions.ts";
import { editClientHello, withExtension } from "../tls/messages.ts";
import { NamedGroup, ProtocolVersion, TlsCipherSuite, type TlsVersion } from "../tls/numbers.ts";
import { defaultSignatureSchemes } from "../tls/signatures.ts";
import { weakSuites } from "../tls/weak-suites.ts";

/** Fewer suites and groups than the engine speaks, so that a gateway can choose one that was not offered. */
const cipherSuites: readonly number[] = [
  TlsCipherSuite.TLS_AES_128_GCM_SHA256,
  TlsCipherSuite.TLS_AES_256_GCM_SHA384,
  TlsCipherSuite.TLS_CHACHA20_POLY1305_SHA256,
  TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
  TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
  TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
  TlsCipherSuite.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
  TlsCipherSuite.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
];
const groups: readonly number[] = [NamedGroup.x25519, NamedGroup.secp256r1];

/** What the twin of a device offers in TLS; one that tolerates it offers less after a failure, or too much. */
export function twinTlsOffer(tolerates: ReadonlySet<string>, failures: number): Partial<TlsClientOptions> {
  const versions: TlsVersion[] =
    failures > 0 && tolerates.has("version-fallback") ? ["TLS 1.2"] : ["TLS 1.3", "TLS 1.2"];
  const offered = (weakness: string, ...numbers: readonly number[]) =>
    tolerates.has(weakness) ? numbers : [];
  return {
    versions,
    alpn: ["mqtt"],
    groups,
    cipherSuites: [
      ...cipherSuites,
      ...offered("worthless-suites-offered", ...weakSuites["null-suites-accepted"]),
      ...offered("outdated-suites-offered", ...weakSuites["static-rsa-accepted"]),
    ],
    // ecdsa_sha1 and rsa_pkcs1_sha1
    signatureSchemes: [...defaultSignatureSchemes, ...offered("broken-signatures-offered", 0x0203, 0x0201)],
    ...(tolerates.has("legacy-versions-offered") ? { outgoing: offeringLegacy } : {}),
  };
}

const offeringLegacy: OutgoingHook = ({ name, msgType = 0, body }) => {
  if (name !== "ClientHello") return undefined;
  const { TLS_1_3, TLS_1_2, TLS_1_1, TLS_1_0 } = ProtocolVersion;
  const { extensionType, extensionData } = extension.supportedVersions([TLS_1_3, TLS_1_2, TLS_1_1, TLS_1_0]);
  const changed = editClientHello(body, ({ extensions }) => ({
    extensions: withExtension(extensions, extensionType, extensionData),
  }));
  return [{ kind: "handshake", msgType, body: changed }];
};
