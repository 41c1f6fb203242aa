import { ProtocolVersion } from "../../../dtls/wire/registry.ts";
import { deviceAttack } from "../../attack.ts";
import { serveWith } from "./flight.ts";
import { authentication, overDtls } from "./reference.ts";

export default deviceAttack({
  id: "U-39c",
  title: "a ServerHello of DTLS 1.0",
  transports: overDtls,
  defeats: "legacy-version-accepted",
  severity: "high",
  reference: authentication(["RFC 9325 §3.1.2", "RFC 5246 §7.4.1.3"], [757, 327]),
  async run(lab) {
    const hello = { serverVersion: ProtocolVersion.DTLS_1_0 };
    return await serveWith(lab, { hello }, ["ServerHello"]);
  },
});
