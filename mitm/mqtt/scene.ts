import { broken, type Finding, held, inconclusive } from "../attack.ts";
import { NotApplicable } from "../errors.ts";
import type { GatewayLab } from "../lab/gateway-lab.ts";
import type { Patience } from "../lab/lab.ts";
import type { DeviceAccount } from "../targets.ts";
import { describePacket } from "./packet-names.ts";
import type { ConnectOptions, MqttPeer } from "./peer.ts";
import { topicsOf, topicUnder } from "./topics.ts";

/** A text that no other case and no earlier run has said. */
export function freshText(lab: GatewayLab, what: string): string {
  return `${what}-${lab.prng.uint32().toString(36)}${Date.now().toString(36)}`;
}

/** A topic that this device publishes to, and nobody else uses. */
export function telemetryTopic(lab: GatewayLab, account: DeviceAccount): string {
  return topicUnder(topicsOf(lab.target, account.deviceId).publish, freshText(lab, "mitm"));
}

/** A topic that this device listens to, and nobody else uses. */
export function commandTopic(lab: GatewayLab, account: DeviceAccount): string {
  return topicUnder(topicsOf(lab.target, account.deviceId).subscribe, freshText(lab, "mitm"));
}

/**
 * An honest session of this account, CONNECT accepted.
 * @throws Error where the target does not take what it has to take: nothing can be said of the attack then
 */
export async function openSession(
  lab: GatewayLab,
  account: DeviceAccount,
  options: ConnectOptions = {},
): Promise<MqttPeer> {
  const peer = await lab.mqtt(account);
  const { accepted, how } = await peer.connect(options);
  if (!accepted) throw new Error(`${account.deviceId}'s own session was not accepted: ${how}`);
  return peer;
}

/** An honest session of this account that listens to its commands. @throws Error as `openSession` does */
export async function listen(
  lab: GatewayLab,
  account: DeviceAccount,
  options: ConnectOptions = {},
): Promise<MqttPeer> {
  const peer = await openSession(lab, account, options);
  const { subscribe } = topicsOf(lab.target, account.deviceId);
  const { taken, how } = await peer.subscribe(subscribe);
  if (!taken)
    throw new Error(`${account.deviceId} may not listen to its own commands (${subscribe}): ${how}`);
  return peer;
}

/** The witness. @throws NotApplicable where the user gave none */
export function operatorOf(lab: GatewayLab): DeviceAccount {
  if (lab.target.operator !== undefined) return lab.target.operator;
  throw new NotApplicable(
    "an identity that hears devices and commands them is needed, as a witness: --operator",
  );
}

/** A session of the witness that hears this filter. @throws NotApplicable, Error as `openSession` does */
export async function witness(lab: GatewayLab, filter: string): Promise<MqttPeer> {
  const peer = await openSession(lab, operatorOf(lab));
  const { taken, how } = await peer.subscribe(filter);
  if (!taken) throw new Error(`the witness may not hear ${filter}: ${how}`);
  return peer;
}

/** A device made for this case alone, known to the target: it can be revoked without harm to others. */
export interface Recruit {
  readonly account: DeviceAccount;
  /** Revokes its only certificate. */
  readonly revoke: () => Promise<void>;
}

/** @throws NotApplicable where the target's inventory is not the lab's to change */
export async function recruit(
  lab: GatewayLab,
  deviceId: string = freshText(lab, "recruit"),
): Promise<Recruit> {
  const { target } = lab;
  if (target.register === undefined || target.revoke === undefined) {
    throw new NotApplicable("an inventory in which the lab may register and revoke a device is needed");
  }
  const credential = await lab.forge.device({ id: deviceId, name: `the certificate of ${deviceId}` });
  const [leaf] = credential.chain;
  if (leaf === undefined) throw new Error("a device's certificate is missing");
  await target.register(leaf, deviceId);
  lab.defer(() => target.remove?.(deviceId));
  return {
    account: { deviceId, credential },
    async revoke() {
      await target.revoke?.(leaf);
    },
  };
}

/**
 * Whether this session hears what is sent to the victim. Where the lab may send the victim nothing, whether its
 * SUBSCRIBE is granted.
 */
export async function hearsCommands(lab: GatewayLab, spy: MqttPeer, attack = true): Promise<boolean> {
  const topic = commandTopic(lab, lab.victim);
  const { taken } = await spy.subscribe(topic, { attack });
  if (!taken || lab.target.operator === undefined) return taken;
  const sender = await openSession(lab, lab.target.operator);
  await sender.subscribe(topic);
  const text = freshText(lab, "command");
  await sender.publish(topic, text);
  const heard = await spy.hears(text);
  if (!heard && !(await sender.hears(text)))
    throw new Error(`the operator's own command to ${topic} was not delivered`);
  sender.disconnect();
  return heard;
}

/**
 * For an attack by which a device wants to become able to hear another's commands: it shows nothing where every device
 * can.
 * @throws NotApplicable
 */
export async function demandCommandsApart(lab: GatewayLab): Promise<void> {
  const spy = await openSession(lab, lab.attacker);
  const heard = await hearsCommands(lab, spy, false);
  spy.disconnect();
  if (heard) throw new NotApplicable("any device hears any other's topics here, as M-04 shows");
}

/** Asks for filters and lets the victim say something to `topic`: was it heard? */
export async function overhear(
  lab: GatewayLab,
  filters: string | readonly string[],
  topic: string,
): Promise<Finding> {
  const honest = await openSession(lab, lab.victim);
  const spy = await openSession(lab, lab.attacker);
  const answer = await spy.subscribe(filters, { attack: true });
  const text = freshText(lab, "secret");
  const sent = await honest.publish(topic, text);
  if (!sent.taken) throw new Error(`the victim's own message was not taken: ${sent.how}`);
  if (await spy.hears(text))
    return broken(`${answer.how}; then it heard what the victim published to ${topic}`);
  const how = `${answer.how}; nothing of the victim was heard`;
  const more = { refusedAt: "SUBSCRIBE", next: nextOf(spy) };
  return answer.taken
    ? heldIfOthersHear(lab, held(how, more), () => telemetryArrives(lab, honest, topic))
    : held(how, more);
}

/**
 * [MQTT-3.3.5-2]: a broker acknowledges what it does not allow, and delivers it to nobody. That this is what it did shows
 * where somebody who is entitled is delivered to: otherwise the topic may be one that the broker does not know at all.
 */
export async function heldIfOthersHear(
  lab: GatewayLab,
  finding: Finding,
  arrives: () => Promise<boolean>,
): Promise<Finding> {
  const { operator } = lab.target;
  if (operator === undefined) {
    return inconclusive(
      `${finding.how}; whether anybody would have is not known without a witness: --operator`,
    );
  }
  return (await arrives())
    ? finding
    : inconclusive(
        `${finding.how}; but nothing reached those who are entitled either: are the topics right, and may ` +
          `${operator.deviceId} hear devices and command them?`,
      );
}

/** Whether what the victim publishes to this topic arrives at the witness. */
export async function telemetryArrives(lab: GatewayLab, victim: MqttPeer, topic: string): Promise<boolean> {
  const backend = await witness(lab, topic);
  const text = freshText(lab, "telemetry");
  await victim.publish(topic, text);
  return backend.hears(text);
}

/** Whether a command of the operator arrives at the victim, which listens to them. */
export async function commandsArrive(lab: GatewayLab, victim: MqttPeer): Promise<boolean> {
  const sender = await openSession(lab, operatorOf(lab));
  const text = freshText(lab, "command");
  await sender.publish(commandTopic(lab, lab.victim), text);
  return victim.hears(text);
}

/** What the broker did with the attacker's connection. */
export function nextOf(peer: MqttPeer): string {
  return peer.closed === undefined ? "went on" : "closed";
}

/**
 * Sends bytes for which MQTT demands that the connection be closed, and a PINGREQ behind them: whatever is answered
 * shows that it was not.
 */
export async function sendForbidden(peer: MqttPeer, bytes: Uint8Array, what: string): Promise<Finding> {
  peer.sendBytes(Buffer.concat([bytes, pingRequest]), what);
  const next = await peer.until(({ cmd }) => cmd !== "publish" && cmd !== "pubrel");
  if (next.kind === "closed") return held(next.how, { refusedAt: what, next: "closed" });
  if (next.kind === "silence") return broken("the connection was neither closed nor answered", "nothing");
  if (next.packet.cmd !== "disconnect")
    return broken(`it was answered: ${describePacket(next.packet)}`, "went on");
  return held(describePacket(next.packet), { refusedAt: what, next: "closed" });
}

const pingRequest = Uint8Array.of(0xc0, 0x00);

/** Leaves a stored session of this account at the broker, to be forgotten in the end. @throws NotApplicable where the broker keeps none */
export async function keepSession(lab: GatewayLab, account: DeviceAccount): Promise<void> {
  const peer = await listen(lab, account, { clean: false });
  peer.disconnect();
  if (!(await findsSession(lab, account)))
    throw new NotApplicable("the broker keeps no sessions of clients that left");
}

/** Whether this account finds its stored session when it comes back. */
export async function findsSession(lab: GatewayLab, account: DeviceAccount): Promise<boolean> {
  const peer = await lab.mqtt(account);
  const { accepted, sessionPresent, how } = await peer.connect({ clean: false });
  if (!accepted) throw new Error(`${account.deviceId}'s own session was not accepted: ${how}`);
  peer.disconnect();
  return sessionPresent;
}

/** Lets the broker throw away what it stored for this account. */
export async function forgetSession(lab: GatewayLab, account: DeviceAccount): Promise<void> {
  const peer = await lab.mqtt(account);
  await peer.connect();
  peer.disconnect();
}

/** A session of MQTT 5. @throws NotApplicable where the broker does not speak it */
export async function openFive(lab: GatewayLab, account: DeviceAccount): Promise<MqttPeer> {
  const peer = await lab.mqtt(account);
  const { accepted, how } = await peer.connect({ version: 5 });
  if (!accepted) throw new NotApplicable(`the target does not speak MQTT 5: ${how}`);
  return peer;
}

/**
 * How long a target is given to do what follows from a revocation, ms: close sessions, forget what was stored. It may do
 * so in rounds, and is not to be called broken because the lab was told to have little patience with answers.
 */
export function consequenceMs({ answerMs }: Patience): number {
  return Math.max(answerMs, 2_000);
}
