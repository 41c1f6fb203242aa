import { generate } from "mqtt-packet";
import type { Replacement } from "../../endpoint.ts";
import { NotApplicable } from "../../errors.ts";
import type { GatewayLab } from "../../lab/gateway-lab.ts";
import type { Entry } from "../../lab/lab.ts";
import type { TlsClient } from "../../tls/client.ts";
import type { TlsVersion } from "../../tls/numbers.ts";
import { asItIs, clientOf, inPlaceOf } from "./at-version.ts";

/** The attacker's CONNECT. @throws NotApplicable where the target does not speak MQTT */
export function connectPacket(lab: GatewayLab): Uint8Array {
  if (lab.target.endpoints.tls?.application !== "mqtt")
    throw new NotApplicable("the target does not speak MQTT");
  return generate({
    cmd: "connect",
    clientId: lab.attacker.deviceId,
    clean: true,
    keepalive: 60,
    protocolId: "MQTT",
    protocolVersion: 4,
  });
}

/**
 * Sends these records where Finished (in TLS 1.2: ChangeCipherSpec) has its place, then Finished, and looks whether what
 * they say is answered.
 */
export async function heardBeforeFinished(
  lab: GatewayLab,
  version: TlsVersion,
  records: readonly Replacement[],
): Promise<Entry> {
  const place = version === "TLS 1.3" ? "Finished" : "ChangeCipherSpec";
  const outgoing = inPlaceOf(place, (message) => [...records, asItIs(message)]);
  const client = await clientOf(lab, version, { outgoing });
  const result = await client.handshake();
  if (!result.completed) return { admitted: false, ...result };
  return answered(lab, client);
}

/** Whether application data comes from the gateway, without a further word of the lab. */
export async function answered(lab: GatewayLab, client: TlsClient): Promise<Entry> {
  const refusedAt = client.lastSent;
  const deadline = performance.now() + lab.patience.answerMs;
  for (;;) {
    const next = await client.receive(Math.max(1, deadline - performance.now()));
    if (next.kind === "data") {
      const how = `${next.data.length} bytes of application data in answer to the CONNECT`;
      return { admitted: true, how, refusedAt: undefined, alert: undefined };
    }
    if (next.kind === "alert" && !next.fatal) continue;
    if (next.kind === "alert")
      return { admitted: false, how: `alert ${next.alert}`, refusedAt, alert: next.alert };
    const how = next.kind === "closed" ? next.how : `silent for ${Math.round(lab.patience.answerMs)} ms`;
    return { admitted: false, how, refusedAt, alert: undefined };
  }
}
