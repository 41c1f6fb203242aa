import { identityUri } from "../../pki/index.ts";
import { Forge } from "../mint/forge.ts";
import type { LabPki } from "../mint/lab-pki.ts";
import type { DeviceAccount } from "../targets.ts";

/** Who is at home at a gateway that the lab makes for itself. */
export interface Accounts {
  readonly attacker: DeviceAccount;
  readonly victim: DeviceAccount;
  /** Of kind operator: it hears what devices publish and sends them commands. */
  readonly operator: DeviceAccount;
}

/** Two devices and an operator with good certificates; the gateway has still to be told of them. */
export async function makeAccounts(pki: LabPki): Promise<Accounts> {
  const device = async (deviceId: string) => ({ deviceId, credential: await pki.device(deviceId) });
  return {
    attacker: await device("attacker"),
    victim: await device("victim"),
    operator: await makeOperator(pki, "backend"),
  };
}

/** An operator with a good certificate. */
export async function makeOperator(pki: LabPki, id: string): Promise<DeviceAccount> {
  const value = identityUri("operator", pki.trustDomain, id);
  const credential = await new Forge(pki).device({
    id,
    name: `the certificate of ${id}`,
    subjectAltName: [{ type: "uniformResourceIdentifier", value }],
  });
  return { deviceId: id, credential };
}
