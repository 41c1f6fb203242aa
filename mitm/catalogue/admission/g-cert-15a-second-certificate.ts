import { HandshakeType } from "../../../dtls/wire/registry.ts";
import { gatewayAttack } from "../../attack.ts";
import { clientIdOf } from "../../mqtt/peer.ts";
import { certificateBody, certificateVerify, enterProving } from "./proof.ts";

export default gatewayAttack({
  id: "G-CERT-15a",
  title: "the attacker's own certificate and proof, and another device's certificate after them",
  transports: ["tls", "dtls"],
  defeats: "second-certificate-accepted",
  severity: "critical",
  reference: {
    rfc: ["RFC 8446 §4.4", "RFC 5246 §7.4"],
    cwe: [290, 841],
    en303645: ["5.5-1", "5.5-4"],
    cra: ["I(2)(d)"],
  },
  async run(lab) {
    const { attacker, victim } = lab;
    const body = certificateBody(lab, victim.credential.chain);
    const second = { kind: "handshake", msgType: HandshakeType.certificate, body } as const;
    const entry = await enterProving(
      lab,
      attacker.credential,
      ({ scheme, signature }) => [certificateVerify(scheme, signature), second],
      { clientId: clientIdOf(victim) },
    );
    return lab.judge(entry);
  },
});
