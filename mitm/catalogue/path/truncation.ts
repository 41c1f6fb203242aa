import { broken, type Finding, held } from "../../attack.ts";
import { NotDelivered } from "../../errors.ts";
import type { PairLab } from "../../lab/pair-lab.ts";
import { Conversation, notTold } from "../../path/conversation.ts";
import { type End, otherEnd } from "../../path/ends.ts";
import type { RecordFate } from "../../path/tcp-proxy.ts";
import { howToSpeak, isApplicationData } from "./tampered-records.ts";

/** RFC 8446 §5.1: a record holds at most 2^14 bytes, so that a text of this length comes in two or more. */
const longText = 20_000;
/** A record with this many bytes is the long text's first. */
const firstOfLongText = 8_000;

/** RFC 8446 §6.1: an end of TCP without close_notify is a truncation; what had come of a message is no message. */
export async function truncate(lab: PairLab, to: End): Promise<Finding> {
  const from = otherEnd(to);
  const path = await lab.tcpPath();
  const conversation = await Conversation.open(lab, await lab.session(path));
  const connection = path.latest;
  if (connection === undefined) throw new NotDelivered("the device did not come through the path");
  let cut = false;
  path.rules = {
    record: (record, on): RecordFate | undefined => {
      if (on !== connection || !isApplicationData(record, from)) return undefined;
      if (cut) return { instead: [], note: "cut off" };
      const isLong = record.bytes.length > firstOfLongText;
      // The half of a message that nobody told to be long is as good as the half of a long one.
      if (!isLong && conversation.canSay(from)) return undefined;
      cut = true;
      return isLong ? undefined : { instead: [record.bytes.subarray(0, -1)], note: "all but its last byte" };
    },
  };
  if (conversation.canSay(from)) conversation.say(from, conversation.freshText(longText));
  await path.until(() => cut, lab.patience.answerMs);
  if (!cut) throw new NotDelivered(`in its session the ${from} said nothing to be cut off: ${howToSpeak}`);
  connection.finish(to);
  await path.until(() => connection.ended(to) !== undefined, lab.patience.answerMs);
  if (!conversation.canSay(from)) return notTold(to, "uses the half of a message");
  await conversation.until(() => conversation.amiss(to) !== undefined, lab.patience.silenceMs);
  const amiss = conversation.amiss(to);
  return amiss === undefined
    ? held(`the ${to} used nothing of the message that was cut off`, { next: "closed" })
    : broken(amiss);
}
