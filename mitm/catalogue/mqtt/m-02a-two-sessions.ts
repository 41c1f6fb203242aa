import { broken, gatewayAttack, held } from "../../attack.ts";
import { openSession } from "../../mqtt/scene.ts";

export default gatewayAttack({
  id: "M-02a",
  title: "a second connection under the client id of a device that is connected, as a clone makes",
  transports: ["tls"],
  defeats: "two-sessions-one-client-id",
  severity: "medium",
  reference: {
    rfc: ["MQTT 3.1.1 §3.1.4 [MQTT-3.1.4-2]"],
    cwe: [694, 384],
    en303645: ["5.5-4"],
    cra: ["I(2)(d)"],
  },
  async run(lab) {
    const first = await openSession(lab, lab.attacker);
    const second = await lab.mqtt();
    const answer = await second.connect({ attack: true });
    const [firstLives, secondLives] = [await first.survives(), (await second.ping()).taken];
    if (firstLives && secondLives) return broken("both sessions live under one client id");
    return held(
      firstLives
        ? `the second was refused: ${answer.how}`
        : `the first was closed: ${first.closed ?? "no answer"}`,
      {
        next: "one session is left",
      },
    );
  },
});
