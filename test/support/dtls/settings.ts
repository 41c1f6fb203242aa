import type { ClientSettings, CommonSettings, ServerSettings } from "../../../dtls/association/settings.ts";
import { type Suite, suiteByName, suites } from "../../../dtls/crypto/suites.ts";
import { NamedGroup, SignatureScheme } from "../../../dtls/wire/registry.ts";
import type { Prng } from "../../../mitm/prng.ts";
import { serverName } from "./credentials.ts";

/** @throws RangeError for a name that is in no table */
export function suiteNamed(name: string): Suite {
  const suite = suiteByName(name);
  if (suite === undefined) throw new RangeError(`no suite ${name}`);
  return suite;
}

export const ecdheEcdsa = suiteNamed("TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256");

const common: CommonSettings = {
  cipherSuites: suites,
  groups: [NamedGroup.secp256r1, NamedGroup.x25519, NamedGroup.secp384r1],
  signatureSchemes: Object.values(SignatureScheme),
  requireExtendedMasterSecret: true,
  connectionIds: undefined,
  returnRoutabilityCheck: false,
  alpnProtocols: [],
  peerCertificateTypes: ["X509"],
  mtu: 1200,
  recordSizeLimit: undefined,
  retransmission: { initialMs: 1000, maximumMs: 60_000 },
  handshakeTimeoutMs: 60_000,
  maxHandshakeMessageBytes: 65_536,
  maxQueuedBytes: 65_536,
  keyLog: false,
};

/** A server that demands client certificates, where a test says nothing else. */
export function serverSettings(over: Partial<ServerSettings> = {}): ServerSettings {
  return {
    ...common,
    clientAuth: "required",
    certificateAuthorities: [],
    ownCertificateTypes: ["X509"],
    sessionIds: false,
    sessionTickets: false,
    sessionLifetimeSeconds: 3600,
    pskIdentityHint: undefined,
    ...over,
  };
}

export function clientSettings(over: Partial<ClientSettings> = {}): ClientSettings {
  return {
    ...common,
    serverName,
    ownCertificateTypes: ["X509"],
    session: undefined,
    maxFragmentLength: undefined,
    sessionTickets: false,
    ...over,
  };
}

/** Random connection ids of one length. */
export function connectionIds(prng: Prng, length = 8) {
  return { length, make: () => prng.bytes(length) };
}
