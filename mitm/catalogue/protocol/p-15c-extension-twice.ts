import { gatewayAttack } from "../../attack.ts";
import { editClientHello } from "../../tls/messages.ts";
import { ExtensionType } from "../../tls/numbers.ts";
import { inPlaceOf } from "./at-version.ts";

export default gatewayAttack({
  id: "P-15c",
  title: "a ClientHello with the same extension twice",
  transports: ["tls"],
  defeats: "duplicate-extension",
  severity: "low",
  reference: {
    rfc: ["RFC 8446 §4.2", "RFC 5246 §7.4.1.4"],
    cwe: [20],
    en303645: ["5.5-1"],
    cra: ["I(2)(d)", "I(2)(f)"],
  },
  async run(lab) {
    // supported_groups: both say the same.
    const outgoing = inPlaceOf("ClientHello", ({ msgType = 0, body }) => {
      const doubled = editClientHello(body, ({ extensions = [] }) => ({
        extensions: extensions.flatMap((one) =>
          one.extensionType === ExtensionType.supported_groups ? [one, one] : [one],
        ),
      }));
      return [{ kind: "handshake", msgType, body: doubled, note: "supported_groups twice" }];
    });
    return lab.judge(await lab.enter(lab.attacker.credential, { tls: { outgoing } }));
  },
});
