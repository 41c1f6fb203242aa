import { broken, gatewayAttack, held } from "../../attack.ts";
import { clientIdOf, type MqttPeer } from "../../mqtt/peer.ts";

export default gatewayAttack({
  id: "M-02b",
  title: "32 sessions of one device, each under a client id of its own",
  transports: ["tls"],
  defeats: "sessions-unbounded",
  severity: "low",
  reference: {
    rfc: ["MQTT 3.1.1 §5.4.8"],
    cwe: [770],
    en303645: ["5.13-1"],
    cra: ["I(2)(h)"],
  },
  async run(lab) {
    const peers: MqttPeer[] = [];
    for (let n = 1; n <= sessions; n += 1) {
      const peer = await lab.mqtt();
      const answer = await peer.connect({ clientId: `${clientIdOf(lab.attacker)}/${n}`, attack: true });
      if (!answer.accepted)
        return held(`session ${n} of ${sessions}: ${answer.how}`, { refusedAt: "CONNECT" });
      peers.push(peer);
    }
    const live = await Promise.all(peers.map((peer) => peer.ping()));
    const left = live.filter(({ taken }) => taken).length;
    if (left === sessions) return broken(`${sessions} sessions of one device live at once`);
    return held(`${left} of ${sessions} sessions are left`, { next: "older ones were closed" });
  },
});

const sessions = 32;
