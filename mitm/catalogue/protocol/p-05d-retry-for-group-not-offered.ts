import { deviceAttack } from "../../attack.ts";
import { NotApplicable } from "../../errors.ts";
import { extension } from "../../tls/extensions.ts";
import { helloRetryRequestRandom, ProtocolVersion } from "../../tls/numbers.ts";
import { answerWith, deviceHello13, judgeReaction } from "./device-hello.ts";

/** brainpoolP256r1tls13, x448, secp521r1, secp384r1 */
const candidates = [31, 30, 25, 24];

export default deviceAttack({
  id: "P-05d",
  title: "a HelloRetryRequest for a group that was not offered",
  transports: ["tls"],
  defeats: "unoffered-group",
  severity: "medium",
  reference: {
    rfc: ["RFC 8446 §4.2.8"],
    cwe: [757],
    en303645: ["5.5-1"],
    cra: ["I(2)(e)", "I(2)(f)"],
  },
  async run(lab) {
    const { raw, hello, extensions } = await deviceHello13(lab);
    const offered = extensions.supportedGroups() ?? [];
    const group = candidates.find((one) => !offered.includes(one));
    if (group === undefined) throw new NotApplicable("the device offers every group that the lab knows of");
    const fields = {
      serverVersion: ProtocolVersion.TLS_1_2,
      random: helloRetryRequestRandom,
      sessionId: hello.sessionId,
      cipherSuite: hello.cipherSuites.find((suite) => suite >> 8 === 0x13) ?? 0x1301,
      compressionMethod: 0,
    };
    const selected = extension.selectedVersion(ProtocolVersion.TLS_1_3);
    answerWith(raw, { ...fields, extensions: [selected, extension.selectedGroup(group)] }, `group ${group}`);
    return judgeReaction(lab, raw, "a HelloRetryRequest for a group that it did not offer");
  },
});
