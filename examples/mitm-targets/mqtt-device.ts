/*
 * A device to point the lab at: MQTT.js with the identity of a lab CA. It dials again and again, and says something as
 * soon as it trusts its gateway.
 *
 *     node examples/mitm-targets/mqtt-device.ts lab 18883                  # checks the chain and the name
 *     node examples/mitm-targets/mqtt-device.ts lab 18883 any-certificate  # rejectUnauthorized: false
 *     node examples/mitm-targets/mqtt-device.ts lab 18883 any-name         # checkServerIdentity that says yes
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { ConnectionOptions } from "node:tls";
import mqtt, { type IClientOptions } from "mqtt";

const [directory = "lab", port = "8883", configuration = "strict"] = process.argv.slice(2);

const configurations: Record<string, IClientOptions & Pick<ConnectionOptions, "checkServerIdentity">> = {
  strict: {},
  // Weak: whoever answers is the gateway. Usually left over from a day on which the CA file was not at hand.
  "any-certificate": { rejectUnauthorized: false },
  // Weak: whoever has any certificate of the same CA is the gateway, another device among them.
  "any-name": { checkServerIdentity: () => undefined },
};

const chosen = configurations[configuration];
if (chosen === undefined) throw new Error(`one of ${Object.keys(configurations).join(", ")} is wanted`);

const client = mqtt.connect({
  protocol: "mqtts",
  host: "localhost",
  port: Number(port),
  ca: readFileSync(join(directory, "ca.pem")),
  cert: readFileSync(join(directory, "device.cert.pem")),
  key: readFileSync(join(directory, "device.key.pem")),
  clientId: "lab-attacker",
  reconnectPeriod: 20,
  connectTimeout: 5_000,
  ...chosen,
});
// Refused connections are what the lab is about: it tries the next one.
client.on("error", () => undefined);
client.on("connect", () => client.publish("devices/lab-attacker/up/temperature", "21.5"));
process.on("SIGTERM", () => client.end(true, () => process.exit(0)));
