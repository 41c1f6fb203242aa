import { broken, type Finding, held } from "../../attack.ts";
import { NotApplicable } from "../../errors.ts";
import type { GatewayLab } from "../../lab/gateway-lab.ts";
import { NamedGroup } from "../../tls/numbers.ts";
import { clientOf } from "./at-version.ts";
import type { InvalidShare } from "./key-share.ts";
import { refusalMs } from "./refusal.ts";

/**
 * TLS 1.2: the client's public key comes in its ClientKeyExchange. A gateway that looks at it refuses at once; one that
 * does not waits for the proof that goes with the certificate.
 */
export async function afterClientKeyExchange(lab: GatewayLab, invalid: InvalidShare): Promise<Finding> {
  const { group, share, what } = invalid;
  // The other groups are for the gateway's certificate (RFC 8422 §5.1.1).
  const groups = [group, ...[NamedGroup.secp256r1, NamedGroup.secp384r1].filter((other) => other !== group)];
  const client = await clientOf(lab, "TLS 1.2", { groups });
  const failed = await client.hello();
  const { tls12 } = client;
  if (tls12?.group !== undefined && tls12.group !== group) {
    throw new NotApplicable(`the target prefers group ${tls12.group} to ${group}`);
  }
  if (failed !== undefined) throw new Error(`no ServerHelloDone for a good hello: ${failed.how}`);
  if (tls12 === undefined) throw new Error("unreachable: TLS 1.2 was asked for");
  if (tls12.request !== undefined) client.sendHandshake(tls12.certificate());
  client.replace({ kind: "handshake", ...tls12.clientKeyExchange(share), note: what });
  const next = await client.receive(refusalMs(lab.patience));
  if (next.kind === "silence") return broken(`the gateway waits for more after ${what}`);
  const how = next.kind === "alert" ? `alert ${next.alert}` : next.kind === "closed" ? next.how : "data";
  return held(how, {
    refusedAt: "ClientKeyExchange",
    alert: next.kind === "alert" ? next.alert : undefined,
  });
}
