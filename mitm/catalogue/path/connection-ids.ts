import { broken, type Finding, held, inconclusive } from "../../attack.ts";
import type { PairLab } from "../../lab/pair-lab.ts";
import { DtlsContentType, dtlsRecord } from "../../path/datagram-record.ts";
import { type End, otherEnd } from "../../path/ends.ts";
import type { UdpSource } from "../../path/udp-source.ts";
import { catchNext, judgeDropped, needsConnectionIds, type OpenFlow, openFlow } from "./open-flow.ts";

/** RFC 9146 §3: with an id agreed on, records without one are dropped, whatever they hold. */
export async function stripConnectionId(lab: PairLab, to: End): Promise<Finding> {
  const open = await openFlow(lab);
  needsConnectionIds(open, to);
  const type = DtlsContentType.applicationData;
  const { text } = await catchNext(lab, open, otherEnd(to), ({ epoch, sequence, fragment }) => ({
    instead: [dtlsRecord({ type, epoch, sequence }, fragment)],
    note: "application_data, the connection id taken out",
  }));
  return judgeDropped(lab, open, to, "a record without its connection id", { used: "delivered", text });
}

const gatewaysWords = 3;

/** An open session whose records to the gateway bear connection ids, and an address of the attacker's own. */
export async function besideFlow(lab: PairLab): Promise<{ open: OpenFlow; stranger: UdpSource }> {
  const open = await openFlow(lab);
  needsConnectionIds(open, "gateway");
  return { open, stranger: await open.path.source() };
}

/**
 * RFC 9146 §6: the gateway goes on sending to where the device is. `what` came from the stranger's address; nothing may
 * go there, and the device still hears what the gateway says.
 */
export async function judgeStayed(
  lab: PairLab,
  open: OpenFlow,
  stranger: UdpSource,
  what: string,
): Promise<Finding> {
  const { conversation } = open;
  // The gateway speaks first: whatever the device says next would show it where the device is. Its first words may be
  // under way already when it hears the stranger.
  for (let count = 0; count < gatewaysWords && conversation.canSay("gateway"); count += 1) {
    if (!(await conversation.reaches("gateway"))) break;
  }
  const finding = conversation.canSay("gateway")
    ? await judgeDropped(lab, open, "gateway", what, { used: "obeyed" })
    : await judgeUnasked(lab, open, stranger);
  const sent = stranger.receivedBytes;
  if (sent > 0) return broken(`the gateway sent ${sent} bytes to the address that ${what} came from`);
  if (finding.result !== "held") return finding;
  // The gateway must not answer there, so that no answer can show it.
  lab.recorder.receipt("sent to the port at which the gateway serves the device before and after");
  return held(`the gateway stays with the device's address after ${what}`, { next: "went on" });
}

/** A gateway that nobody can tell to speak must do so by itself, while the device is kept from showing where it is. */
async function judgeUnasked(lab: PairLab, { path, flow }: OpenFlow, stranger: UdpSource): Promise<Finding> {
  const { rules } = path;
  path.rules = {
    datagram: ({ from }) =>
      from === "device" ? { instead: [], note: "kept away from the gateway" } : undefined,
  };
  await path.until(() => stranger.receivedBytes > 0, lab.patience.silenceMs);
  const before = flow.from("gateway").length;
  const spoken = () => stranger.receivedBytes > 0 || flow.from("gateway").length > before;
  await path.until(spoken, lab.patience.answerMs);
  path.rules = rules;
  return spoken()
    ? held("the gateway spoke to the device")
    : inconclusive(
        "the gateway said nothing by itself that could have shown where it takes the device to be",
      );
}
