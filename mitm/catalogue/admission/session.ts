import { broken, type Finding, held, inconclusive } from "../../attack.ts";
import type { ScriptedEnd } from "../../endpoint.ts";
import type { GatewayLab } from "../../lab/gateway-lab.ts";
import type { DeviceAccount } from "../../targets.ts";

/** A session of this device that the target's application takes as a peer's. Throws Error where there is none. */
export async function openSession(
  lab: GatewayLab,
  { deviceId, credential }: DeviceAccount,
): Promise<ScriptedEnd> {
  const end = await (lab.transport === "tls" ? lab.tls({ credential }) : lab.dtls({ credential }));
  const result = await end.handshake();
  if (!result.completed) throw new Error(`no session for ${deviceId}, whose identity is good: ${result.how}`);
  const { admitted, how } = await lab.hello(end, deviceId);
  if (!admitted) throw new Error(`no session for ${deviceId}, whose identity is good: ${how}`);
  return end;
}

/** How long a target may take to notice that a session is not to go on, ms. */
const noticeMs = 2_500;
/** How much the clocks of the lab and the target may differ. */
const clocksMs = 250;

/**
 * Waits for the target to end the session by itself; where it does not, asks whether it still answers.
 * @param inMs when what ends the session happens, from now
 */
export async function endOfSession(
  lab: GatewayLab,
  end: ScriptedEnd,
  why: string,
  inMs = 0,
): Promise<Finding> {
  lab.recorder.receipt(`the session was open when ${why}`);
  const began = performance.now();
  const deadline = began + inMs + Math.max(noticeMs, lab.patience.answerMs);
  while (performance.now() < deadline) {
    const next = await end.receive(Math.max(1, deadline - performance.now()));
    if (next.kind === "data" || next.kind === "silence" || (next.kind === "alert" && !next.fatal)) {
      if (next.kind !== "alert" || next.alert !== "close_notify") continue;
    }
    const after = Math.round(performance.now() - began - inMs);
    const how = next.kind === "alert" ? `alert ${next.alert}` : next.kind === "closed" ? next.how : "closed";
    if (after < -clocksMs) return inconclusive(`${how}, ${-after} ms before ${why}`);
    const ms = Math.max(0, after);
    return held(`${how}, ${ms} ms after ${why}`, {
      alert: next.kind === "alert" ? next.alert : undefined,
      next: "closed",
    });
  }
  return stillServed(lab, end, why);
}

async function stillServed(lab: GatewayLab, end: ScriptedEnd, why: string): Promise<Finding> {
  const application = lab.target.endpoints[lab.transport]?.application;
  // PINGREQ; an echo sends back a line at the latest, and CoAP answers an empty Confirmable message.
  const probe =
    application === "mqtt"
      ? Uint8Array.of(0xc0, 0)
      : application === "coap"
        ? Uint8Array.of(0x40, 0, 0x5a, 0x18)
        : Buffer.from("still there?\n");
  end.send(probe, { attack: true, note: `in a session that should have ended: ${why}` });
  const answer = await end.receive(lab.patience.answerMs);
  if (answer.kind === "data") return broken(`the session goes on, and is answered, after ${why}`);
  if (answer.kind === "silence" && application === "none") {
    // A TCP connection that is open is a session; a UDP socket tells nothing.
    return lab.transport === "tls"
      ? broken(`the session goes on after ${why}`)
      : inconclusive(`nothing shows whether the session goes on after ${why}`);
  }
  // It answered before: over UDP an end can go without a word.
  if (answer.kind === "silence") return held(`the session is not answered any more after ${why}`);
  return held(`the session ended when it was used after ${why}`, { next: "closed" });
}
