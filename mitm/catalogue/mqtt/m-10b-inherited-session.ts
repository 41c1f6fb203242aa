import { broken, gatewayAttack, held } from "../../attack.ts";
import { consequenceMs, forgetSession, keepSession, openSession, recruit } from "../../mqtt/scene.ts";

export default gatewayAttack({
  id: "M-10b",
  title: "the stored session of a device that was revoked, for who has its id afterwards",
  transports: ["tls"],
  defeats: "session-outlives-device",
  severity: "medium",
  reference: {
    rfc: ["MQTT 3.1.1 §3.1.2.4 [MQTT-3.1.2-4]", "MQTT 3.1.1 §5.4.2"],
    cwe: [613, 672],
    en303645: ["5.5-4"],
    cra: ["I(2)(d)"],
  },
  async run(lab) {
    const first = await recruit(lab);
    await keepSession(lab, first.account);
    const watcher = await openSession(lab, first.account, { clean: false });
    await first.revoke();
    await watcher.closes(consequenceMs(lab.patience));
    watcher.cut();
    // Its stored session is thrown away when its connection ends, or soon after.
    await (await openSession(lab, lab.attacker)).closes(Math.max(300, lab.patience.silenceMs));
    const second = await recruit(lab, first.account.deviceId);
    const heir = await lab.mqtt(second.account);
    const { how, accepted, sessionPresent } = await heir.connect({ clean: false, attack: true });
    heir.disconnect();
    if (sessionPresent) {
      await forgetSession(lab, second.account);
      return broken(`${how}: that of the device before it`);
    }
    if (!accepted) return held(`${how}: the id is not given again`, { refusedAt: "CONNECT" });
    return held("it begins with a session of its own");
  },
});
