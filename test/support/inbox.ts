import type { MqttClient } from "mqtt";

/** What arrives at a client, as "topic payload". */
export function inbox(client: MqttClient): string[] {
  const got: string[] = [];
  client.on("message", (topic, payload) => got.push(`${topic} ${payload.toString()}`));
  return got;
}
