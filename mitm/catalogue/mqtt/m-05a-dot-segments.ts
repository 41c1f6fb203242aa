import { broken, gatewayAttack, held } from "../../attack.ts";
import { clientIdOf } from "../../mqtt/peer.ts";
import { openSession } from "../../mqtt/scene.ts";

export default gatewayAttack({
  id: "M-05a",
  title: "a client id with dot segments or a coded slash that lead to another device's",
  transports: ["tls"],
  defeats: "client-id-normalized",
  severity: "high",
  reference: {
    rfc: ["MQTT 3.1.1 §3.1.3.1"],
    cwe: [22, 180],
    en303645: ["5.13-1"],
    cra: ["I(2)(f)"],
  },
  async run(lab) {
    const { attacker, victim } = lab;
    const honest = await openSession(lab, victim);
    const answers: string[] = [];
    for (const clientId of [
      `${clientIdOf(attacker)}/../${clientIdOf(victim)}`,
      `${clientIdOf(attacker)}%2f..%2f${clientIdOf(victim)}`,
    ]) {
      const thief = await lab.mqtt();
      const { how } = await thief.connect({ clientId, attack: true });
      thief.cut();
      answers.push(`${clientId}: ${how}`);
    }
    if (!(await honest.survives())) return broken(`${answers.join("; ")}; the victim's session ended`);
    return held(`${answers.join("; ")}; the victim's session goes on`);
  },
});
