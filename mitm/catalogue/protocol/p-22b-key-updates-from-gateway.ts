import { generate } from "mqtt-packet";
import { deviceAttack } from "../../attack.ts";
import { helloOver } from "./at-version.ts";
import { floodOfKeyUpdates } from "./key-update-flood.ts";

export default deviceAttack({
  id: "P-22b",
  title: "a flood of KeyUpdates that ask for one, from the gateway, whose answers are not read",
  transports: ["tls"],
  defeats: "flood-unbounded",
  severity: "low",
  reference: {
    rfc: ["RFC 8446 §4.6.3"],
    cwe: [400, 770],
    en303645: ["5.5-1"],
    cra: ["I(2)(h)"],
  },
  async run(lab) {
    const server = await lab.acceptTls({ versions: ["TLS 1.3"] });
    const failed = await helloOver(server, "TLS 1.3");
    const result = failed ?? (await server.finish());
    if (!result.completed) throw new Error(`no session with the honest gateway: ${result.how}`);
    const first = await server.receive(lab.patience.answerMs);
    if (first.kind !== "data") throw new Error("the device says nothing to the honest gateway");
    // Else it would leave for want of an answer. MQTT 3.1.1 §3.1: CONNECT begins with 0x10.
    if (first.data[0] === 0x10) {
      server.send(generate({ cmd: "connack", returnCode: 0, sessionPresent: false }));
    }
    return await floodOfKeyUpdates(lab, server);
  },
});
