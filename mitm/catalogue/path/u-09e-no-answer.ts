import { broken, held, inconclusive, pairAttack } from "../../attack.ts";

/** So many ClientHellos have three pauses between them. */
const hellos = 4;
/** A pause that has doubled twice is four times as long; a busy machine may stretch the first one. */
const growth = 1.5;

export default pairAttack({
  id: "U-09e",
  title: "no answer to any ClientHello",
  transports: ["dtls"],
  defeats: "retransmits-without-backoff",
  severity: "low",
  reference: { rfc: ["RFC 6347 §4.2.4.1"], cwe: [406], en303645: ["5.9-3"], cra: ["I(2)(i)"] },
  async run(lab) {
    const path = await lab.udpPath({
      datagram: ({ from }) => (from === "gateway" ? { instead: [], note: "lost" } : undefined),
    });
    await lab.session(path);
    const sent = () => path.flows[0]?.from("device") ?? [];
    // The timers are the device's own: 1, 2 and 4 s where it follows RFC 6347 to the letter.
    await path.until(() => sent().length >= hellos, 4 * lab.patience.answerMs);
    const times = sent().map(({ atMs }) => atMs);
    const [first, second] = times;
    const [beforeLast, last] = times.slice(-2);
    if (
      times.length < 3 ||
      first === undefined ||
      second === undefined ||
      beforeLast === undefined ||
      last === undefined
    ) {
      return inconclusive(
        `only ${times.length} datagrams came in ${4 * lab.patience.answerMs} ms: too few to judge`,
      );
    }
    const pauses = `the first pause was ${Math.round(second - first)} ms, the last ${Math.round(last - beforeLast)} ms`;
    return last - beforeLast >= growth * (second - first)
      ? held(`the device waits longer each time: ${pauses}`, { next: "tried again" })
      : broken(`the device sends at the same pace: ${pauses}`);
  },
});
