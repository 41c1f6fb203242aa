import { gatewayAttack } from "../../attack.ts";

export default gatewayAttack({
  id: "P-15a",
  title: "a server name with a NUL in it",
  transports: ["tls"],
  defeats: "malformed-hello-accepted",
  severity: "low",
  reference: {
    rfc: ["RFC 6066 §3"],
    cwe: [20, 626],
    en303645: ["5.5-1"],
    cra: ["I(2)(d)", "I(2)(f)"],
  },
  async run(lab) {
    const serverName = Buffer.from(`${lab.target.serverName ?? "localhost"}\0.attacker.test`);
    const { credential } = lab.attacker;
    return lab.judge(await lab.enter(credential, { tls: { serverName }, marks: ["ClientHello"] }));
  },
});
