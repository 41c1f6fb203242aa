import type { Finding } from "../../attack.ts";
import type { PairLab } from "../../lab/pair-lab.ts";
import { type End, otherEnd } from "../../path/ends.ts";
import { catchNext, judgeDropped, openFlow, sayMany } from "./open-flow.ts";

/** RFC 6347 §4.1.2.6 wants a window of 64 records; after so many newer ones a record is older than that. */
export const beyondTheWindow = 70;

/** Sends a record a second time, after so many newer ones. */
export async function replay(lab: PairLab, to: End, newer: number): Promise<Finding> {
  const open = await openFlow(lab);
  const { datagram } = await catchNext(lab, open, otherEnd(to));
  if (newer > 0) await sayMany(lab, open, otherEnd(to), newer);
  const note = newer > 0 ? `again, after ${newer} newer ones` : "again";
  open.flow.send(to, datagram.bytes, datagram.what, note);
  return judgeDropped(lab, open, to, "a record that came again", { used: "delivered" });
}

/** Holds a record back until so many newer ones have passed, then sends it twice. */
export async function holdBack(lab: PairLab, to: End, newer: number): Promise<Finding> {
  const open = await openFlow(lab);
  const { datagram } = await catchNext(lab, open, otherEnd(to), () => ({ instead: [], note: "held back" }));
  await sayMany(lab, open, otherEnd(to), newer);
  for (const note of [`late, after ${newer} newer ones`, "a second time"]) {
    open.flow.send(to, datagram.bytes, datagram.what, note);
  }
  return judgeDropped(lab, open, to, "a late record that came twice", { used: "delivered" });
}
