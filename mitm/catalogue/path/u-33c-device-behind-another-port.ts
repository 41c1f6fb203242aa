import { held, pairAttack } from "../../attack.ts";
import { besideFlow } from "./connection-ids.ts";
import { catchNext, judgeDropped } from "./open-flow.ts";

export default pairAttack({
  id: "U-33c",
  title: "a NAT that gives the device another port in the middle of its session",
  transports: ["dtls"],
  defeats: "moved-device-lost",
  severity: "low",
  reference: { rfc: ["RFC 9146 §6", "RFC 9853 §4"], cwe: [703], en303645: ["5.9-1"], cra: ["I(2)(h)"] },
  async run(lab) {
    const { open } = await besideFlow(lab);
    await open.flow.rebind();
    await catchNext(lab, open, "device");
    const finding = await judgeDropped(lab, open, "gateway", "a change of its address", { used: "obeyed" });
    if (finding.result !== "held") return finding;
    return held("the gateway follows the device to its new address", { next: "went on" });
  },
});
