import type { Finding } from "../../attack.ts";
import type { Credential } from "../../endpoint.ts";
import { NotApplicable } from "../../errors.ts";
import type { DeviceLab } from "../../lab/device-lab.ts";

/**
 * Shows a certificate to a device that goes by these revocation lists.
 * @throws NotApplicable where it cannot be given any
 */
export async function showUnder(
  lab: DeviceLab,
  credential: Credential,
  revocationLists: readonly Uint8Array[],
): Promise<Finding> {
  requireLists(lab);
  return lab.judge(await lab.serve(credential, { dial: { revocationLists } }));
}

/** @throws NotApplicable where the device goes by no revocation lists that the lab could give it */
export function requireLists(lab: DeviceLab): void {
  if (lab.target.takesRevocationLists !== true) {
    throw new NotApplicable("the device cannot be given revocation lists for a single attempt");
  }
}

/** A list of the root in force, by which no CA is revoked. @throws NotApplicable where the root is not in the lab */
export async function rootList(lab: DeviceLab): Promise<Uint8Array> {
  const { root } = lab.forge.pki;
  if (root === undefined)
    throw new NotApplicable("the root is not in the lab, so it signs no revocation list");
  return lab.forge.revocationList({ issuer: root });
}
