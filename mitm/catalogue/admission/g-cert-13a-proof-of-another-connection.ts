import { gatewayAttack } from "../../attack.ts";
import { NotDelivered } from "../../errors.ts";
import { clientIdOf } from "../../mqtt/peer.ts";
import { certificateVerify, enterProving } from "./proof.ts";

export default gatewayAttack({
  id: "G-CERT-13a",
  title: "another device's certificate, and its proof from another connection",
  transports: ["tls", "dtls"],
  defeats: "certificate-verify-not-verified",
  severity: "critical",
  reference: {
    rfc: ["RFC 8446 §4.4.3", "RFC 5246 §7.4.8"],
    cwe: [347, 294],
    en303645: ["5.5-1", "5.5-4"],
    cra: ["I(2)(d)"],
  },
  async run(lab) {
    const { attacker, victim } = lab;
    const clientId = clientIdOf(victim);
    const heard: { scheme: number; signature: Uint8Array }[] = [];
    const honest = await enterProving(
      lab,
      victim.credential,
      ({ scheme, signature }) => {
        heard.push({ scheme, signature });
        return undefined;
      },
      { clientId },
    );
    const [proof] = heard;
    if (!honest.admitted) throw new NotDelivered(`the victim itself is not let in: ${honest.how}`);
    if (proof === undefined) throw new NotDelivered("the victim was not asked for a proof");
    const stolen = { ...victim.credential, key: attacker.credential.key };
    const replay = () => [certificateVerify(proof.scheme, proof.signature)];
    return lab.judge(await enterProving(lab, stolen, replay, { clientId }));
  },
});
