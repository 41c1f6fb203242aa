import { gatewayAttack } from "../../attack.ts";
import { ContentType } from "../../tls/numbers.ts";
import { clientOf } from "./at-version.ts";

export default gatewayAttack({
  id: "P-20e",
  title: "a flood of records without content",
  transports: ["tls"],
  defeats: "flood-unbounded",
  severity: "low",
  reference: {
    rfc: ["RFC 4732 §2.1.2"],
    cwe: [400, 770],
    en303645: ["5.5-1"],
    cra: ["I(2)(h)"],
  },
  async run(lab) {
    const client = await clientOf(lab, "TLS 1.3");
    const result = await client.handshake();
    if (!result.completed) throw new Error(`no session for an identity that is a good one: ${result.how}`);
    const contentType = ContentType.application_data;
    client.replace({
      kind: "record",
      contentType,
      fragment: new Uint8Array(),
      note: "one of 500 without content",
    });
    for (let sent = 1; sent < 500; sent += 1) client.records.send(contentType, new Uint8Array());
    return lab.judge(await lab.hello(client));
  },
});
