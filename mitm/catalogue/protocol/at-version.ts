import type { OutgoingHook, OutgoingMessage, Replacement } from "../../endpoint.ts";
import { NotApplicable } from "../../errors.ts";
import type { DeviceLab } from "../../lab/device-lab.ts";
import type { GatewayLab } from "../../lab/gateway-lab.ts";
import type { Entry } from "../../lab/lab.ts";
import type { TlsClient, TlsClientOptions } from "../../tls/client.ts";
import type { TlsVersion } from "../../tls/numbers.ts";
import type { TlsServer, TlsServerOptions } from "../../tls/server.ts";

/*
 * Attacks on one version of TLS say something only about a target that speaks it with its honest peers.
 */

/** @throws NotApplicable where the gateway lets nobody in over this version */
export async function requireVersion(lab: GatewayLab, version: TlsVersion): Promise<void> {
  const { admitted, how } = await lab.enter(lab.attacker.credential, { tls: { versions: [version] } });
  if (!admitted) throw new NotApplicable(`the target lets nobody in over ${version}: ${how}`);
}

/** A client of this version with the attacker's own identity, which the gateway would let in. */
export async function clientOf(
  lab: GatewayLab,
  version: TlsVersion,
  options: Partial<TlsClientOptions> = {},
): Promise<TlsClient> {
  await requireVersion(lab, version);
  return lab.tls({ versions: [version], ...options });
}

/** Tries to come in over this version; what is wrong about it the hook does. */
export async function enterOver(
  lab: GatewayLab,
  version: TlsVersion,
  options: Partial<TlsClientOptions>,
): Promise<Entry> {
  await requireVersion(lab, version);
  return lab.enter(lab.attacker.credential, { tls: { versions: [version], ...options } });
}

/**
 * Stands as the honest gateway over this version; what is wrong about it the hook does.
 * @throws NotApplicable where the device does not offer the version
 */
export async function serveOver(
  lab: DeviceLab,
  version: TlsVersion,
  options: Partial<TlsServerOptions>,
): Promise<Entry> {
  const server = await lab.acceptTls({ versions: [version], ...options });
  const failed = await helloOver(server, version);
  const result = failed ?? (await server.finish());
  if (result.completed) return lab.trusts(server);
  const { how, refusedAt, alert } = result;
  return { admitted: false, how, refusedAt, alert };
}

/** The first half of `TlsServer.handshake`. @throws NotApplicable where the device does not offer the version */
export async function helloOver(server: TlsServer, version: TlsVersion): ReturnType<TlsServer["hello"]> {
  const failed = await server.hello();
  if (failed?.byThisEnd === true && server.version === undefined) {
    throw new NotApplicable(`the device does not offer ${version}: ${failed.how}`);
  }
  return failed;
}

/** A hook that puts something in the place of one message, the first time that it goes out. */
export function inPlaceOf(
  name: string,
  make: (message: OutgoingMessage) => readonly Replacement[],
): OutgoingHook {
  let done = false;
  return (message) => {
    if (done || message.name !== name) return undefined;
    done = true;
    return make(message);
  };
}

/** A hook that leaves these messages out. */
export function without(...names: readonly string[]): OutgoingHook {
  return ({ name }) => (names.includes(name) ? [] : undefined);
}

/** The message as it is, among what a hook sends. */
export function asItIs({ msgType, body }: OutgoingMessage): Replacement {
  return msgType === undefined ? { kind: "changeCipherSpec" } : { kind: "handshake", msgType, body };
}
