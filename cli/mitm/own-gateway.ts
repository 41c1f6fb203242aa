import { hash } from "node:crypto";
import {
  type DeviceRegistry,
  type Gateway,
  type GatewayEvent,
  type Limits,
  type RegisteredCertificate,
  type RegisteredDevice,
  startGateway,
} from "../../gateway/index.ts";
import { type GatewayTarget, LabPki, localNames, makeAccounts } from "../../mitm/index.ts";
import { encodePem, encodePrivateKey, parseCertificate, parseCertificateList } from "../../pki/index.ts";

/**
 * The gateway's own defaults, but for what a lab would wait for: ten seconds for each case that leaves a handshake or a
 * CONNECT unfinished.
 */
const limits: Partial<Limits> = {
  handshakeTimeoutMs: 3_000,
  connectTimeoutMs: 600,
  dtlsHandshakeTimeoutMs: 3_000,
};

/** Refusals that are kept for the evidence. */
const keptRefusals = 1_000;

/**
 * Our own gateway, on loopback, for a CA of the lab: MQTT over TLS, and DTLS which sends back what it gets. Its sibling
 * is a second one, of another CA and trust domain.
 */
export async function ownGateway(pki: LabPki): Promise<GatewayTarget> {
  const one = await gatewayOf(pki);
  const sibling = await gatewayOf(await LabPki.create({ trustDomain: `other.${pki.trustDomain}` }));
  return {
    ...one,
    sibling,
    close: async () => {
      await Promise.all([one.close(), sibling.close()]);
    },
  };
}

async function gatewayOf(pki: LabPki): Promise<GatewayTarget & { close(): Promise<void> }> {
  const accounts = await makeAccounts(pki);
  const registry = new MemoryRegistry();
  const { attacker, victim, operator } = accounts;
  for (const { deviceId, credential } of [attacker, victim])
    registry.know(leafOf(credential.chain), deviceId);
  registry.know(leafOf(operator.credential.chain), operator.deviceId, "operator");
  const refusals: string[] = [];
  const gateway = await start(pki, registry, refusals);
  return {
    name: "sallyport gateway",
    endpoints: endpointsOf(gateway),
    serverName: "localhost",
    ...accounts,
    knowsRevocation: true,
    helloTimeoutMs: limits.connectTimeoutMs,
    handshakeTimeoutMs: limits.handshakeTimeoutMs,
    register: async (certificate, deviceId) => registry.know(certificate, deviceId),
    revoke: async (certificate) => registry.revoke(certificate),
    remove: async (deviceId) => registry.remove(deviceId),
    refusals: () => refusals,
    close: () => gateway.close(),
  };
}

async function start(pki: LabPki, registry: MemoryRegistry, refusals: string[]): Promise<Gateway> {
  const { chain, key } = await pki.gateway(localNames);
  const gateway = await startGateway({
    mqttPort: 0,
    dtlsPort: 0,
    identity: {
      key: encodePrivateKey(key),
      certificateChain: chain.map((der) => encodePem("CERTIFICATE", der)).join(""),
    },
    anchors: pki.anchors.map((der) => parseCertificate(der)),
    intermediates: pki.issuing.chain.map((der) => parseCertificate(der)),
    crls: (await pki.revocationLists()).map((der) => parseCertificateList(der)),
    trustDomain: pki.trustDomain,
    registry,
    limits,
  });
  gateway.on("event", (event) => {
    const text = refusalOf(event);
    if (text === undefined) return;
    refusals.push(text);
    if (refusals.length > keptRefusals) refusals.shift();
  });
  return gateway;
}

function endpointsOf({ mqttPort, dtlsPort }: Gateway): GatewayTarget["endpoints"] {
  const tls = { host: "127.0.0.1", port: mqttPort, application: "mqtt" } as const;
  if (dtlsPort === undefined) return { tls };
  return { tls, dtls: { host: "127.0.0.1", port: dtlsPort, application: "echo" } };
}

const wentByThemselves: readonly string[] = ["client_disconnect", "connection_lost"];

function refusalOf(event: GatewayEvent): string | undefined {
  // That a peer went, the honest one before it perhaps, is no refusal.
  if ("reason" in event && event.reason === "peer_alert") return undefined;
  if (event.type === "session.closed" && wentByThemselves.includes(event.reason)) return undefined;
  if (event.type === "connection.refused") return `${event.reason}: ${event.detail}`;
  const isRefusal =
    event.type === "session.closed" ||
    event.type === "device.purged" ||
    event.type === "publish.refused" ||
    event.type === "subscribe.refused";
  return isRefusal ? event.reason : undefined;
}

function leafOf(chain: readonly Uint8Array[]): Uint8Array {
  const [leaf] = chain;
  if (leaf === undefined) throw new Error("unreachable: a minted chain is not empty");
  return leaf;
}

/** An inventory that lasts as long as the run. It takes certificates that no parser reads: they are the attack. */
class MemoryRegistry implements DeviceRegistry {
  readonly #devices = new Map<string, RegisteredDevice>();
  readonly #certificates = new Map<string, RegisteredCertificate>();
  #changes = 0;

  device(id: string): RegisteredDevice | undefined {
    return this.#devices.get(id);
  }

  certificate(fingerprint: string): RegisteredCertificate | undefined {
    return this.#certificates.get(fingerprint);
  }

  certificatesOf(id: string, kind: "device" | "operator"): RegisteredCertificate[] {
    return [...this.#certificates.values()].filter(
      ({ identityId, identityKind }) => identityId === id && identityKind === kind,
    );
  }

  changeCounter(): number {
    return this.#changes;
  }

  know(certificate: Uint8Array, identityId: string, identityKind: "device" | "operator" = "device"): void {
    this.#certificates.set(hash("sha256", certificate), { identityKind, identityId });
    if (!this.#devices.has(identityId)) {
      this.#devices.set(identityId, { kind: identityKind, status: "active" });
    }
    this.#changes += 1;
  }

  revoke(certificate: Uint8Array): void {
    const fingerprint = hash("sha256", certificate);
    const row = this.#certificates.get(fingerprint);
    if (row !== undefined) this.#certificates.set(fingerprint, { ...row, revokedAt: new Date() });
    this.#changes += 1;
  }

  remove(id: string): void {
    this.#devices.delete(id);
    this.#changes += 1;
  }
}
