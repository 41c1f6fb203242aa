import { broken, deviceAttack, held } from "../../attack.ts";
import { refuseUntilTired } from "./persistence.ts";
import { bothTransports, certificateReference } from "./reference.ts";

export default deviceAttack({
  id: "D-CERT-34a",
  title: "the same rogue gateway at each attempt, until the device gives in",
  transports: bothTransports,
  defeats: "trusts-after-failures",
  severity: "critical",
  reference: certificateReference(
    ["RFC 9325 §3.2"],
    [636, 295],
    ["Paracha et al., IoTLS: Understanding TLS Usage in Consumer IoT Devices, IMC 2021"],
  ),
  async run(lab) {
    const { attempts, last } = await refuseUntilTired(lab, 6);
    if (last.admitted) return broken(`trusted at attempt ${attempts}: ${last.how}`);
    const { refusedAt, alert } = last;
    return held(`refused at each of ${attempts} attempts: ${last.how}`, { refusedAt, alert });
  },
});
