import type { Finding } from "../../attack.ts";
import type { Credential } from "../../endpoint.ts";
import { NotApplicable } from "../../errors.ts";
import type { GatewayLab } from "../../lab/gateway-lab.ts";
import { clientIdOf } from "../../mqtt/peer.ts";
import type { DeviceAccount } from "../../targets.ts";

/*
 * What is shown to a gateway is in its inventory, where it has one: so it has no other reason to refuse than the one
 * that is tried.
 */

export function leafOf({ chain }: Credential): Uint8Array {
  const [leaf] = chain;
  if (leaf === undefined) throw new RangeError("a credential without a certificate");
  return leaf;
}

/** Shows a certificate that is registered as this device's (default: the attacker's own), and says to be it. */
export async function enterRegistered(
  lab: GatewayLab,
  credential: Credential,
  device: DeviceAccount = lab.attacker,
): Promise<Finding> {
  await lab.target.register?.(leafOf(credential), device.deviceId);
  return lab.judge(await lab.enter(credential, { clientId: clientIdOf(device) }));
}

/**
 * Shows a certificate that is registered as the victim's, and says to be the victim.
 * @throws NotApplicable where who came in could not be told
 */
export async function enterAsVictim(lab: GatewayLab, credential: Credential): Promise<Finding> {
  await requireIdentity(lab);
  return enterRegistered(lab, credential, lab.victim);
}

/**
 * Shows a certificate that is registered as the attacker's, and says to be the victim.
 * @throws NotApplicable where nothing says who it is but the certificate
 */
export async function enterAsAnother(lab: GatewayLab, credential: Credential): Promise<Finding> {
  if (lab.target.endpoints[lab.transport]?.application !== "mqtt") {
    throw new NotApplicable("the target's protocol has no name that a peer could lie about");
  }
  await requireIdentity(lab);
  await lab.target.register?.(leafOf(credential), lab.attacker.deviceId);
  return lab.judge(await lab.enter(credential, { clientId: clientIdOf(lab.victim) }));
}

/**
 * Makes sure that it shows whom the target takes a peer for: the attacker's own good certificate does not do for the
 * victim's client id, or there is an inventory in which a certificate is the victim's.
 * @throws NotApplicable where it does not show
 */
export async function requireIdentity(lab: GatewayLab): Promise<void> {
  const { target, transport, attacker, victim } = lab;
  if (target.endpoints[transport]?.application !== "mqtt") {
    if (target.register !== undefined) return;
    throw new NotApplicable(
      "whom the target takes a peer for shows neither in its protocol nor in an inventory",
    );
  }
  const { admitted } = await lab.enter(attacker.credential, { clientId: clientIdOf(victim) });
  if (admitted) throw new NotApplicable("any certificate may take any client id here, as M-01 shows");
}

/**
 * A further device with a good certificate, which the target lets in: what an attack then takes away from it shows.
 * @throws NotApplicable where the target takes no further device
 */
export async function newDevice(lab: GatewayLab, name: string): Promise<DeviceAccount> {
  const deviceId = `${name}-${lab.transport}-${lab.prng.below(2 ** 32)}`;
  const credential = await lab.forge.device({ id: deviceId, name: `the certificate of ${deviceId}` });
  await lab.target.register?.(leafOf(credential), deviceId);
  const { admitted, how } = await lab.enter(credential, { clientId: deviceId, marks: [] });
  if (!admitted)
    throw new NotApplicable(`a further device, though its certificate is good, is not let in: ${how}`);
  return { deviceId, credential };
}

/**
 * An attack over TLS 1.2 says something only about a target that lets honest devices in over TLS 1.2.
 * @throws NotApplicable where it does not
 */
export async function requireTls12(lab: GatewayLab): Promise<void> {
  const { admitted, how } = await lab.enter(lab.attacker.credential, { tls: { versions: ["TLS 1.2"] } });
  if (!admitted) throw new NotApplicable(`the target lets nobody in over TLS 1.2: ${how}`);
}
