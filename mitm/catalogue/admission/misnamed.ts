import { encode, implicit, octetString, sequence } from "../../../pki/der/writer.ts";
import { Extension, type GeneralName, makeExtension, type RawExtension } from "../../../pki/index.ts";
import type { Finding } from "../../attack.ts";
import type { GatewayLab } from "../../lab/gateway-lab.ts";
import { enterAsVictim } from "./registered.ts";

/** What is nearly the victim's name: made from its id and the trust domain. */
export type Misnamed = (
  id: string,
  trustDomain: string,
) => { readonly commonName?: string; readonly subjectAltName?: RawExtension };

/**
 * Shows a certificate of the target's own CA that is registered as the victim's, and whose name is nearly the victim's.
 * An issuer was careless, or did not know how the gateway reads names.
 */
export async function enterMisnamed(lab: GatewayLab, misnamed: Misnamed): Promise<Finding> {
  const { deviceId } = lab.victim;
  const { commonName = "device", subjectAltName } = misnamed(deviceId, lab.forge.pki.trustDomain);
  const credential = await lab.forge.device({
    id: deviceId,
    name: `a certificate whose name is nearly that of ${deviceId}`,
    subject: { CN: commonName },
    ...(subjectAltName === undefined
      ? { subjectAltName: [] }
      : { without: ["subjectAltName"], extensions: [subjectAltName] }),
  });
  return enterAsVictim(lab, credential);
}

/** A subjectAltName with one URI of these very octets, which no honest encoder might write. */
export function rawUri(text: string | Uint8Array): RawExtension {
  const value = encode(sequence(implicit(6, octetString(Buffer.from(text)))));
  return { oid: Extension.subjectAltName, critical: false, value };
}

export function names(...list: readonly GeneralName[]): RawExtension {
  return makeExtension.subjectAltName(list);
}

/** The URI of a device as the profile has it, with whatever stands for its id. */
export function uriOf(id: string, trustDomain: string): string {
  return `spiffe://${trustDomain}/device/${id}`;
}
