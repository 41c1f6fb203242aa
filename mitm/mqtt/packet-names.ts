import type { Packet } from "mqtt-packet";

/** What a packet is called in a transcript, with what matters of it: "MQTT CONNACK 2", "MQTT PUBLISH to devices/d2/down/x". */
export function describePacket(packet: Packet): string {
  const name = `MQTT ${packet.cmd.toUpperCase()}`;
  if (packet.cmd === "connect") {
    const user = packet.username === undefined ? "" : `, user name ${shown(packet.username)}`;
    const will = packet.will === undefined ? "" : `, will to ${shown(packet.will.topic)}`;
    return `${name} as ${shown(packet.clientId)}${user}${will}`;
  }
  if (packet.cmd === "connack") {
    const present = packet.sessionPresent ? ", session present" : "";
    return `${name} ${packet.returnCode ?? packet.reasonCode ?? ""}${present}`;
  }
  if (packet.cmd === "publish") {
    return `${name}${packet.retain ? ", retained," : ""} to ${shown(packet.topic)}`;
  }
  if (packet.cmd === "subscribe") {
    return `${name} to ${packet.subscriptions.map(({ topic }) => shown(topic)).join(" ")}`;
  }
  if (packet.cmd === "suback") return `${name} ${packet.granted.map(String).join(" ")}`;
  const code = "reasonCode" in packet ? packet.reasonCode : undefined;
  return typeof code === "number" && code > 0 ? `${name} 0x${code.toString(16)}` : name;
}

/** Packets that came together; a run of the same name is counted. */
export function describePackets(packets: readonly Packet[]): string {
  const runs: Array<{ readonly name: string; times: number }> = [];
  for (const packet of packets) {
    const name = describePacket(packet);
    const last = runs.at(-1);
    if (last?.name === name) last.times += 1;
    else if (runs.length < 8) runs.push({ name, times: 1 });
  }
  return runs.map(({ name, times }) => (times === 1 ? name : `${name} × ${times}`)).join(", ");
}

/** Names are the attacker's or the target's: control characters and length are kept out of the transcript. */
function shown(text: string): string {
  const plain = text.replaceAll(
    /[\p{Cc}\p{Cs}\ufffd]/gu,
    (each) => `\\u${each.codePointAt(0)?.toString(16).padStart(4, "0")}`,
  );
  return plain.length <= 60 ? plain : `${plain.slice(0, 40)}… (${text.length} characters)`;
}
