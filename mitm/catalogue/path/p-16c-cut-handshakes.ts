import { broken, held, pairAttack } from "../../attack.ts";
import { NotDelivered } from "../../errors.ts";
import type { TcpConnection } from "../../path/tcp-connection.ts";

/** How many handshakes are cut before one is let through. */
const cuts = 2;

export default pairAttack({
  id: "P-16c",
  title: "two handshakes in a row cut off by a reset",
  transports: ["tls"],
  defeats: "handshake-failure-is-final",
  severity: "medium",
  reference: { rfc: ["RFC 9293 §3.5.2"], cwe: [400, 703], en303645: ["5.9-1"], cra: ["I(2)(h)"] },
  async run(lab) {
    const cut = new Set<TcpConnection>();
    const path = await lab.tcpPath({
      record: (record, connection) => {
        if (record.from !== "gateway" || (cut.size >= cuts && !cut.has(connection))) return undefined;
        if (!cut.has(connection)) {
          cut.add(connection);
          connection.reset("device", "in the middle of the handshake");
          connection.reset("gateway", "in the middle of the handshake");
        }
        return { instead: [], note: "cut off" };
      },
    });
    const session = await lab.session(path);
    const opened = await session.opened;
    if (cut.size === 0) throw new NotDelivered("no handshake passed that could have been cut off");
    if (opened)
      return held(`a session came about after ${cut.size} handshakes were cut off`, { next: "tried again" });
    return broken(`no session came about any more after ${cut.size} handshakes were cut off`);
  },
});
