import type { Finding } from "../../attack.ts";
import type { Credential, HandshakeResult } from "../../endpoint.ts";
import { NotApplicable } from "../../errors.ts";
import type { DeviceLab } from "../../lab/device-lab.ts";
import { withOcspResponse } from "../../tls/certificate-status.ts";
import { ExtensionType } from "../../tls/numbers.ts";
import type { TlsServer } from "../../tls/server.ts";

/**
 * Shows a certificate with an OCSP response stapled to it, over TLS 1.3, to a device that takes a good one.
 * @param note what is odd about the response
 * @throws NotApplicable where the device asks for no response, or does not take a good one
 */
export async function showStapled(
  lab: DeviceLab,
  credential: Credential,
  response: Uint8Array,
  note: string,
): Promise<Finding> {
  const good = await staple(lab, lab.gateway, await lab.forge.ocspResponse(lab.gateway));
  good.end.destroy();
  if (!good.asked) throw new NotApplicable("the device asks for no OCSP response");
  if (!good.result.completed) {
    throw new NotApplicable(`the device takes no OCSP response of the CA itself: ${good.result.how}`);
  }
  const { end, result } = await staple(lab, credential, response, note);
  if (result.completed) return lab.judge(await lab.trusts(end));
  const { how, refusedAt, alert } = result;
  return lab.judge({ admitted: false, how, refusedAt, alert });
}

/** @param note of an attack; undefined: it is none, and what goes out is not marked as one */
async function staple(
  lab: DeviceLab,
  credential: Credential,
  response: Uint8Array,
  note?: string,
): Promise<{ readonly end: TlsServer; readonly asked: boolean; readonly result: HandshakeResult }> {
  let asked = false;
  const end = await lab.acceptTls({
    versions: ["TLS 1.3"],
    credential,
    outgoing: ({ name, msgType, body }) => {
      if (name !== "Certificate" || msgType === undefined) return undefined;
      asked = end.request?.extensions.has(ExtensionType.status_request) === true;
      if (!asked) return undefined;
      const stapled = withOcspResponse(body, response);
      return [{ kind: "handshake", msgType, body: stapled, note: note ?? "with a good OCSP response" }];
    },
  });
  return { end, result: await end.handshake(), asked };
}
