import { broken, deviceAttack, held } from "../../attack.ts";
import { NotDelivered } from "../../errors.ts";
import type { DeviceLab } from "../../lab/device-lab.ts";
import { refuseUntilTired } from "./persistence.ts";
import { bothTransports, certificateReference } from "./reference.ts";

/** TLS and DTLS alike (RFC 8446 §5.1, RFC 6347 §4.1). */
const handshakeRecord = 22;

export default deviceAttack({
  id: "D-CERT-34b",
  title: "a rogue gateway at each attempt, until the device speaks in clear",
  transports: bothTransports,
  defeats: "plaintext-after-failures",
  severity: "critical",
  reference: certificateReference(
    ["RFC 9325 §3.2"],
    [636, 319],
    ["Paracha et al., IoTLS: Understanding TLS Usage in Consumer IoT Devices, IMC 2021"],
  ),
  async run(lab) {
    const { attempts, last } = await refuseUntilTired(lab, 3);
    if (last.admitted) return broken(`trusted at attempt ${attempts}: ${last.how}`);
    try {
      for (let refusals = attempts; refusals < attempts + 3; refusals += 1) {
        const inClear = await firstInClear(lab);
        if (inClear !== undefined) return broken(`${inClear} after ${refusals} refusals`);
      }
      return held(`began with a handshake at each of ${attempts + 3} attempts`, { alert: last.alert });
    } catch (error) {
      if (!(error instanceof NotDelivered)) throw error;
      return held(`stayed away after ${attempts} refusals`, { alert: last.alert });
    }
  },
});

/** What the device says first when it comes again, unless that begins a handshake. It gets no answer. */
async function firstInClear(lab: DeviceLab): Promise<string | undefined> {
  const raw = lab.transport === "tls" ? await lab.acceptTcp() : await lab.acceptUdp();
  const first = await raw.read(lab.patience.answerMs);
  raw.destroy();
  if (first.kind !== "data" || first.data[0] === handshakeRecord) return undefined;
  lab.recorder.leaked(first.data.length);
  return `said ${first.data.length} bytes in clear`;
}
