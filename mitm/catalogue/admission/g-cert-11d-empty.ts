import { gatewayAttack } from "../../attack.ts";
import { clientIdOf } from "../../mqtt/peer.ts";
import { certificateVerify, enterProving } from "./proof.ts";

export default gatewayAttack({
  id: "G-CERT-11d",
  title: "another device's certificate, and a proof of no octets",
  transports: ["tls", "dtls"],
  defeats: "certificate-verify-not-verified",
  severity: "critical",
  reference: {
    rfc: ["RFC 8446 §4.4.3", "RFC 5246 §7.4.8"],
    cwe: [347],
    en303645: ["5.5-1", "5.5-4"],
    cra: ["I(2)(d)"],
  },
  async run(lab) {
    const { attacker, victim } = lab;
    const stolen = { ...victim.credential, key: attacker.credential.key };
    const entry = await enterProving(
      lab,
      stolen,
      ({ scheme }) => [certificateVerify(scheme, new Uint8Array())],
      { clientId: clientIdOf(victim) },
    );
    return lab.judge(entry);
  },
});
