import { ContentType } from "../../../dtls/wire/registry.ts";
import { type Finding, held } from "../../attack.ts";
import type { DtlsClient } from "../../dtls/client.ts";
import type { GatewayLab } from "../../lab/gateway-lab.ts";
import { helloed } from "./flight.ts";

/** So many datagrams, and then a breath, or the target's socket would drop what was to be borne. */
const burst = 20;

/**
 * Sends many handshake records where a client's flight is due. Whether honest peers are served after it is for the
 * control of the case to say.
 */
export async function floodInHandshake(
  lab: GatewayLab,
  datagrams: number,
  note: string,
  record: (client: DtlsClient) => Uint8Array,
): Promise<Finding> {
  const client = await helloed(lab);
  for (let sent = 1; sent < datagrams; sent += 1) {
    client.port.send(client.records.write(ContentType.handshake, record(client)));
    if (sent % burst === 0) await client.next(2);
  }
  const saying = { what: "handshake records", attack: true, note: `${note}, ${datagrams} times` };
  client.record(ContentType.handshake, record(client), {}, saying);
  return held(`${datagrams} datagrams were borne`);
}
