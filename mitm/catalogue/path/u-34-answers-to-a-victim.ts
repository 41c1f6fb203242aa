import { broken, held, inconclusive, pairAttack } from "../../attack.ts";
import { besideFlow } from "./connection-ids.ts";
import { catchNext } from "./open-flow.ts";

/** RFC 9146 §6, after RFC 9000 §8.1: what may go to an address that has proved nothing, for each byte from it. */
const factor = 3;
const texts = 24;
const letters = 40;

export default pairAttack({
  id: "U-34",
  title: "the device's newest record sent on from a victim's address",
  transports: ["dtls"],
  defeats: "moved-address-not-validated",
  severity: "medium",
  reference: { rfc: ["RFC 9146 §6", "RFC 9853 §4"], cwe: [406], en303645: ["5.5-1"], cra: ["I(2)(i)"] },
  async run(lab) {
    const { open, stranger: victim } = await besideFlow(lab);
    const { path, conversation } = open;
    const { text } = await catchNext(lab, open, "device", () => ({
      via: victim,
      note: "from the victim's address",
    }));
    // Once it has heard the device from there; where it only answers, its answer may have gone there, too.
    const arrived = () => text === undefined || conversation.times(text, "gateway") > 0;
    await conversation.until(() => arrived() || victim.receivedBytes > 0);
    // What the gateway has to say now may go to the victim: within bounds.
    if (conversation.canSay("gateway")) {
      for (let count = 0; count < texts; count += 1)
        conversation.say("gateway", conversation.freshText(letters));
    }
    const tooMuch = () => victim.receivedBytes > factor * victim.sentBytes;
    await path.until(tooMuch, lab.patience.silenceMs);
    lab.recorder.receipt("sent to the port at which the gateway serves the device");
    const balance = `${victim.receivedBytes} bytes for ${victim.sentBytes} from there`;
    if (!tooMuch() && !conversation.canSay("gateway")) {
      return inconclusive(`the gateway had no more to say by itself than ${balance}`);
    }
    return tooMuch()
      ? broken(`the gateway sent to the victim's address ${balance}`)
      : held(`the gateway sent to the victim's address no more than ${balance}`, { next: "went on" });
  },
});
