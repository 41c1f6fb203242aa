import { gatewayAttack } from "../../attack.ts";

export default gatewayAttack({
  id: "P-15b",
  title: "a server name of 16,000 bytes",
  transports: ["tls"],
  defeats: "malformed-hello-accepted",
  severity: "low",
  reference: {
    rfc: ["RFC 6066 §3"],
    cwe: [20, 770],
    en303645: ["5.5-1"],
    cra: ["I(2)(d)", "I(2)(f)"],
  },
  async run(lab) {
    const serverName = Buffer.alloc(16_000, "a");
    const { credential } = lab.attacker;
    return lab.judge(await lab.enter(credential, { tls: { serverName }, marks: ["ClientHello"] }));
  },
});
