import { broken, gatewayAttack, held } from "../../attack.ts";
import { demandCommandsApart, hearsCommands } from "../../mqtt/scene.ts";

export default gatewayAttack({
  id: "M-05b",
  title: "a wildcard for a client id, to widen the rules it is filled into",
  transports: ["tls"],
  defeats: "client-id-in-template",
  severity: "critical",
  reference: {
    rfc: ["MQTT 3.1.1 §3.1.3.1", "MQTT 3.1.1 §5.4.2"],
    cwe: [74, 155],
    en303645: ["5.13-1"],
    cra: ["I(2)(f)"],
  },
  async run(lab) {
    await demandCommandsApart(lab);
    const answers: string[] = [];
    for (const clientId of ["+", "#"]) {
      const spy = await lab.mqtt();
      const { accepted, how } = await spy.connect({ clientId, attack: true });
      if (accepted && (await hearsCommands(lab, spy)))
        return broken(`as ${clientId} it may hear the victim's commands`);
      answers.push(`${clientId}: ${how}`);
    }
    return held(`${answers.join("; ")}; the victim's commands were not heard`);
  },
});
