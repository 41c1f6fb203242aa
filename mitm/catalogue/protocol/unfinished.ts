import { generate } from "mqtt-packet";
import type { Replacement } from "../../endpoint.ts";
import { NotApplicable } from "../../errors.ts";
import type { GatewayLab } from "../../lab/gateway-lab.ts";
import type { Entry } from "../../lab/lab.ts";
import type { TlsClient } from "../../tls/client.ts";
import type { TlsVersion } from "../../tls/numbers.ts";
import { asItIs, clientOf, inPlaceOf } from "./at-version.ts";

/**
 * What a client says first, and is answered by whoever takes it for a peer.
 * @throws NotApplicable where nothing is known of the target's protocol
 */
export function firstWords(lab: GatewayLab): Uint8Array {
  const application = lab.target.endpoints.tls?.application;
  // Some wait for a whole line.
  if (application === "echo") return Buffer.from("anybody there?\n");
  // RFC 7252 §4.3: an Empty Confirmable message is answered by a Reset.
  if (application === "coap") return Uint8Array.of(0x40, 0, 0x5a, 0x19);
  if (application !== "mqtt") throw new NotApplicable("nothing is known of what the target would answer to");
  return generate({
    cmd: "connect",
    clientId: lab.attacker.deviceId,
    clean: true,
    keepalive: 60,
    protocolId: "MQTT",
    protocolVersion: 4,
  });
}

/** As `firstWords`; where nothing is known of the protocol, words that a target may refuse by an alert: see `answered`. */
export function anyWords(lab: GatewayLab): Uint8Array {
  return lab.target.endpoints.tls?.application === "none" ? Buffer.from("anybody there?\n") : firstWords(lab);
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

/**
 * Whether application data comes from the gateway, without a further word of the lab.
 * @throws NotApplicable where nothing does, and nothing is known of what the target would answer to
 */
export async function answered(lab: GatewayLab, client: TlsClient): Promise<Entry> {
  const refusedAt = client.lastSent;
  const deadline = performance.now() + lab.patience.answerMs;
  for (;;) {
    const next = await client.receive(Math.max(1, deadline - performance.now()));
    if (next.kind === "data") {
      const how = `${next.data.length} bytes of application data in answer`;
      return { admitted: true, how, refusedAt: undefined, alert: undefined };
    }
    if (next.kind === "alert" && !next.fatal) continue;
    if (next.kind === "alert")
      return { admitted: false, how: `alert ${next.alert}`, refusedAt, alert: next.alert };
    if (next.kind === "silence") {
      if (lab.target.endpoints.tls?.application === "none") {
        throw new NotApplicable(
          "nothing is known of what the target would answer to, and it neither alerted nor closed",
        );
      }
      const how = `silent for ${Math.round(lab.patience.answerMs)} ms`;
      return { admitted: false, how, refusedAt, alert: undefined };
    }
    const { how, byThisEnd } = next;
    return { admitted: false, how, refusedAt, alert: undefined, ...(byThisEnd && { byThisEnd }) };
  }
}
