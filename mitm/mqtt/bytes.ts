/** Packets as bytes, for attacks that want them wrong: they can be changed, and take names that are no text. */

import mqttPacket from "mqtt-packet";
import type { Login } from "../targets.ts";

/** Fields of a CONNECT. */
export function loginFields(login: Login | undefined): { username?: string; password?: Buffer } {
  if (login === undefined) return {};
  const { username, password } = login;
  return { username, ...(password !== undefined && { password: Buffer.from(password) }) };
}

/** A good CONNECT of MQTT 3.1.1 that asks for a clean session; its connect flags are octet 9 where it is short. */
export function connectBytes(clientId: string, login?: Login): Buffer {
  return mqttPacket.generate({
    cmd: "connect",
    protocolId: "MQTT",
    protocolVersion: 4,
    clientId,
    clean: true,
    keepalive: 60,
    ...loginFields(login),
  });
}

/** The same CONNECT with the password flag set, and a password behind its client id; it stays shorter than 128 bytes. */
export function withPassword(connect: Buffer): Buffer {
  const password = Buffer.from("\0\u0006secret");
  const bytes = Buffer.concat([connect, password]);
  const [remaining = 0, flags = 0] = [bytes[1], bytes[9]];
  if (remaining + password.length > 127) throw new RangeError("withPassword: the CONNECT is too long");
  bytes[1] = remaining + password.length;
  bytes[9] = flags | 0x40;
  return bytes;
}

/** A PUBLISH of "x", to a topic name of any octets, with any packet identifier. */
export function publishBytes(topic: string | Uint8Array, messageId: number, qos: 1 | 2 = 1): Buffer {
  const name = Buffer.from(topic);
  const body = Buffer.concat([uint16(name.length), name, uint16(messageId), Buffer.from("x")]);
  return Buffer.concat([Uint8Array.of(0x30 | (qos << 1), ...remainingLength(body.length)), body]);
}

/** A SUBSCRIBE to one filter at QoS 1, with any packet identifier. */
export function subscribeBytes(filter: string, messageId: number): Buffer {
  const name = Buffer.from(filter);
  const body = Buffer.concat([uint16(messageId), uint16(name.length), name, Uint8Array.of(1)]);
  return Buffer.concat([Uint8Array.of(0x82, ...remainingLength(body.length)), body]);
}

/** MQTT 3.1.1 §2.2.3. */
export function remainingLength(length: number): number[] {
  const bytes: number[] = [];
  let left = length;
  do {
    const more = left >= 128;
    bytes.push((left % 128) | (more ? 0x80 : 0));
    left = Math.floor(left / 128);
  } while (left > 0);
  return bytes;
}

function uint16(value: number): Uint8Array {
  return Uint8Array.of(value >> 8, value & 0xff);
}
