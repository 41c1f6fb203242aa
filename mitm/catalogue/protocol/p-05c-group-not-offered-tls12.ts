import { deviceAttack } from "../../attack.ts";
import { NotApplicable } from "../../errors.ts";
import { secp521r1 } from "../../tls/further-groups.ts";
import { NamedGroup } from "../../tls/numbers.ts";
import { helloOver, inPlaceOf } from "./at-version.ts";

export default deviceAttack({
  id: "P-05c",
  title: "a group that was not offered, in TLS 1.2",
  transports: ["tls"],
  defeats: "unoffered-group",
  severity: "high",
  reference: {
    rfc: ["RFC 8422 §5.4"],
    cwe: [757],
    en303645: ["5.5-1"],
    cra: ["I(2)(e)", "I(2)(f)"],
  },
  async run(lab) {
    const server = await lab.acceptTls({
      versions: ["TLS 1.2"],
      outgoing: inPlaceOf("ServerKeyExchange", ({ msgType = 0 }) => {
        const offered = server.request?.groups ?? [];
        const group = [...Object.values(NamedGroup), secp521r1].find((one) => !offered.includes(one));
        const body = group === undefined ? undefined : server.tls12?.serverKeyExchange({ group }).body;
        if (body === undefined)
          throw new NotApplicable("the device offers every group that the lab can speak");
        return [{ kind: "handshake", msgType, body, note: `group ${group}` }];
      }),
    });
    const failed = await helloOver(server, "TLS 1.2");
    const result = failed ?? (await server.finish());
    return lab.judge(result.completed ? await lab.trusts(server) : { admitted: false, ...result });
  },
});
