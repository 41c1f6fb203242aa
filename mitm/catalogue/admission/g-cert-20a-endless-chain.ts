import { gatewayAttack } from "../../attack.ts";
import type { Credential } from "../../endpoint.ts";

/** A flight of datagrams of this size still fits into what a socket keeps by default. */
const mtu = 1_600;

/** More than any server with a bound takes: 100 KiB is a usual one, 256 KiB the largest that is known. */
const chainBytes = { tls: 300 * 1024, dtls: 104 * 1024 } as const;

export default gatewayAttack({
  id: "G-CERT-20a",
  title: "a chain of hundreds of certificates",
  transports: ["tls", "dtls"],
  defeats: "handshake-size-unbounded",
  severity: "low",
  reference: {
    rfc: ["RFC 8446 §4.4.2", "RFC 5246 §7.4.2"],
    cwe: [770, 400],
    en303645: ["5.13-1"],
    cra: ["I(2)(h)"],
  },
  async run(lab) {
    const { credential } = lab.attacker;
    const filler = credential.chain.at(-1) ?? new Uint8Array();
    const count = Math.ceil(chainBytes[lab.transport] / filler.length);
    const endless: Credential = {
      ...credential,
      name: `the attacker's own certificate, with ${count} others behind it`,
      chain: [...credential.chain, ...Array.from({ length: count }, () => filler)],
    };
    return lab.judge(await lab.enter(endless, { dtls: { mtu } }));
  },
});
