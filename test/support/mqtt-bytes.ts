import mqttPacket, { type Packet } from "mqtt-packet";

/** The bytes of an MQTT packet. */
export function bytesOf(packet: Packet): Buffer {
  return mqttPacket.generate(packet);
}

export function connectBytes(
  clientId: string,
  over: Partial<Extract<Packet, { cmd: "connect" }>> = {},
): Buffer {
  return bytesOf({
    cmd: "connect",
    protocolId: "MQTT",
    protocolVersion: 4,
    clean: true,
    clientId,
    keepalive: 60,
    ...over,
  });
}

export function publishBytes(
  topic: string,
  payload: string | Buffer,
  qos: 0 | 1 | 2 = 0,
  messageId = 1,
): Buffer {
  const id = qos === 0 ? {} : { messageId };
  return bytesOf({ cmd: "publish", topic, payload, qos, retain: false, dup: false, ...id });
}

export function subscribeBytes(topic: string, qos: 0 | 1 | 2 = 0, messageId = 1): Buffer {
  return bytesOf({ cmd: "subscribe", messageId, subscriptions: [{ topic, qos }] });
}

/** Every whole packet in what a server sent. */
export function packetsIn(bytes: Uint8Array): Packet[] {
  const packets: Packet[] = [];
  const parser = mqttPacket.parser({ protocolVersion: 4 });
  parser.on("packet", (packet) => packets.push(packet));
  parser.parse(Buffer.from(bytes));
  return packets;
}
