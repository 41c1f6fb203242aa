import { gatewayAttack } from "../../attack.ts";
import { clientOf } from "./at-version.ts";
import { floodOfKeyUpdates } from "./key-update-flood.ts";

export default gatewayAttack({
  id: "P-22a",
  title: "a flood of KeyUpdates that ask for one, whose answers are not read",
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
    const client = await clientOf(lab, "TLS 1.3");
    const result = await client.handshake();
    if (!result.completed) throw new Error(`no session for an identity that is a good one: ${result.how}`);
    const entry = await lab.hello(client);
    if (!entry.admitted) throw new Error(`no session for an identity that is a good one: ${entry.how}`);
    const finding = await floodOfKeyUpdates(lab, client);
    // With what the target says of it.
    return finding.result === "held" && finding.next === "closed"
      ? {
          ...finding,
          ...lab.judge({ admitted: false, ...finding, refusedAt: "KeyUpdate", alert: finding.alert }),
        }
      : finding;
  },
});
