import { gatewayAttack } from "../../attack.ts";

export default gatewayAttack({
  id: "P-14a",
  title: "a client that offers HTTP alone by ALPN",
  transports: ["tls"],
  defeats: "alpn-not-checked",
  severity: "low",
  reference: {
    rfc: ["RFC 7301 §3.2"],
    cwe: [436, 441],
    en303645: ["5.5-1"],
    cra: ["I(2)(d)", "I(2)(f)"],
    also: ["ALPACA, USENIX Security 2021"],
  },
  async run(lab) {
    const { credential } = lab.attacker;
    return lab.judge(await lab.enter(credential, { tls: { alpn: ["http/1.1"] }, marks: ["ClientHello"] }));
  },
});
