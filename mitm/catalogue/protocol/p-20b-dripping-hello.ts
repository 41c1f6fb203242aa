import { broken, gatewayAttack, held } from "../../attack.ts";
import { firstHello } from "./first-hello.ts";
import { handshakeLimit } from "./half-open.ts";

export default gatewayAttack({
  id: "P-20b",
  title: "a ClientHello that comes byte by byte",
  transports: ["tls"],
  defeats: "no-handshake-timeout",
  severity: "medium",
  reference: {
    rfc: ["RFC 4732 §2.1.2"],
    cwe: [400, 772],
    en303645: ["5.5-1"],
    cra: ["I(2)(h)"],
  },
  async run(lab) {
    const raw = await lab.tcp();
    const hello = firstHello(lab, { cipherSuites: [0xc02b, 0xc02f] });
    const limit = handshakeLimit(lab);
    const began = performance.now();
    // Slow enough that the last byte comes long after any time-out.
    const everyMs = Math.max(20, (2 * limit) / hello.length);
    for (let sent = 0; sent < hello.length; sent += 1) {
      raw.write(hello.subarray(sent, sent + 1), {
        attack: sent === 0,
        what: `byte ${sent + 1} of a ClientHello`,
      });
      const next = await raw.read(everyMs);
      if (next.kind === "alert" || next.kind === "closed") {
        const how = next.kind === "alert" ? `alert ${next.alert}` : next.how;
        return held(`${how} after ${Math.round(performance.now() - began)} ms`, {
          refusedAt: "ClientHello",
          next: "closed",
        });
      }
      if (performance.now() - began > limit) break;
    }
    return broken(`a handshake that drips is still open after ${Math.round(limit)} ms`);
  },
});
