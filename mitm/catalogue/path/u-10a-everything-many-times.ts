import { broken, held, pairAttack } from "../../attack.ts";
import { NotDelivered } from "../../errors.ts";
import { Conversation, notTold } from "../../path/conversation.ts";

const copies = 10;

export default pairAttack({
  id: "U-10a",
  title: "every datagram ten times, from the first ClientHello on",
  transports: ["dtls"],
  defeats: "replay-window-missing",
  severity: "high",
  reference: {
    rfc: ["RFC 6347 §4.1.2.6", "RFC 6347 §4.2.4"],
    cwe: [294, 406],
    en303645: ["5.5-1"],
    cra: ["I(2)(f)"],
  },
  async run(lab) {
    const path = await lab.udpPath({
      datagram: ({ bytes }) => ({
        instead: Array.from({ length: copies }, () => bytes),
        note: `${copies} times`,
      }),
    });
    const session = await lab.session(path);
    const opened = await session.opened;
    if (path.latest === undefined) throw new NotDelivered("the device sent nothing through the path");
    if (!opened) return broken("no session comes about where datagrams come more than once");
    const conversation = await Conversation.open(lab, session);
    if (!conversation.canSay("device")) return notTold("gateway", "took a record more than once");
    const goesOn = await conversation.goesOn();
    const amiss = conversation.amiss("gateway") ?? conversation.amiss("device");
    if (amiss !== undefined) return broken(amiss);
    return goesOn
      ? held("one session came about, and every text arrived once", { next: "went on" })
      : broken("the session did not survive its own records");
  },
});
