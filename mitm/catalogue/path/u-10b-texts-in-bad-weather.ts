import { broken, held, pairAttack } from "../../attack.ts";
import { notTold } from "../../path/conversation.ts";
import { openFlow, sayMany } from "./open-flow.ts";

const texts = 30;
const weather = { drop: 0.1, duplicate: 0.3, reorder: 0.3, reorderMs: 20, corrupt: 0.1 } as const;

export default pairAttack({
  id: "U-10b",
  title: "an open session on a path that loses, doubles, mixes up and damages datagrams",
  transports: ["dtls"],
  defeats: "replay-window-missing",
  severity: "high",
  reference: {
    rfc: ["RFC 6347 §4.1.2.6", "RFC 6347 §4.1.2.7"],
    cwe: [294, 353],
    en303645: ["5.5-1"],
    cra: ["I(2)(f)"],
  },
  async run(lab) {
    const open = await openFlow(lab);
    const { path, conversation } = open;
    path.rules = { weather: { device: weather, gateway: weather } };
    const commanded = [await sayMany(lab, open, "device", texts), await sayMany(lab, open, "gateway", texts)];
    // The latest that was held back.
    await path.until(() => false, 2 * weather.reorderMs);
    path.rules = {};
    if (!commanded.includes(true)) return notTold("gateway", "took a record twice, or a damaged one");
    const goesOn = await conversation.goesOn();
    const amiss = conversation.amiss("gateway") ?? conversation.amiss("device");
    if (amiss !== undefined) return broken(amiss);
    return goesOn
      ? held("whatever arrived arrived once and unchanged, and the session goes on", { next: "went on" })
      : broken("the session did not survive bad weather");
  },
});
