import { ProtocolVersion } from "../../../dtls/wire/registry.ts";
import { broken, type Finding, held } from "../../attack.ts";
import type { DtlsClient } from "../../dtls/client.ts";
import type { GatewayLab } from "../../lab/gateway-lab.ts";

/** The verdict on what a server answers to a hello that asks for DTLS 1.0. Version 1.2, or none, is right. */
export async function versionSpoken(lab: GatewayLab, client: DtlsClient): Promise<Finding> {
  const refusal = await client.attempt(() => client.hello());
  const version = client.serverHello?.serverVersion;
  if (version === ProtocolVersion.DTLS_1_0) return broken("ServerHello of DTLS 1.0 came back");
  if (version !== undefined) return held("ServerHello of DTLS 1.2 came back", { next: "went on" });
  const said = lab.target.refusals?.().at(-1);
  const how = refusal?.how ?? "no ServerHello";
  return held(said === undefined ? how : `${how}; the target says: ${said}`, {
    refusedAt: "ClientHello",
    alert: refusal?.alert,
  });
}
