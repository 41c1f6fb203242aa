import { broken, type Finding, held } from "../../attack.ts";
import { NotApplicable } from "../../errors.ts";
import type { GatewayLab } from "../../lab/gateway-lab.ts";
import { clientOf } from "./at-version.ts";
import type { InvalidShare } from "./key-share.ts";

/**
 * TLS 1.2: the client's public key comes in its ClientKeyExchange. A gateway that looks at it refuses at once; one that
 * does not waits for the proof that goes with the certificate.
 */
export async function afterClientKeyExchange(lab: GatewayLab, invalid: InvalidShare): Promise<Finding> {
  const { group, share, what } = invalid;
  const client = await clientOf(lab, "TLS 1.2", { groups: [group] });
  const failed = await client.hello();
  if (failed !== undefined)
    throw new NotApplicable(`the target agrees on no key in group ${group}: ${failed.how}`);
  const { tls12 } = client;
  if (tls12 === undefined) throw new Error("unreachable: TLS 1.2 was asked for");
  if (tls12.request !== undefined) client.sendHandshake(tls12.certificate());
  client.replace({ kind: "handshake", ...tls12.clientKeyExchange(share), note: what });
  const next = await client.receive(lab.patience.silenceMs);
  if (next.kind === "silence") return broken(`the gateway waits for more after ${what}`);
  const how = next.kind === "alert" ? `alert ${next.alert}` : next.kind === "closed" ? next.how : "data";
  return held(how, {
    refusedAt: "ClientKeyExchange",
    alert: next.kind === "alert" ? next.alert : undefined,
  });
}
