import { ProtocolVersion } from "../../../dtls/wire/registry.ts";
import { gatewayAttack } from "../../attack.ts";
import { authentication, overDtls } from "./reference.ts";
import { versionSpoken } from "./version.ts";

export default gatewayAttack({
  id: "U-39a",
  title: "a ClientHello of DTLS 1.0",
  transports: overDtls,
  defeats: "legacy-version-accepted",
  severity: "medium",
  reference: authentication(["RFC 9325 §3.1.2", "RFC 8996 §5"], [757, 327]),
  async run(lab) {
    const client = await lab.dtls({
      hello: { clientVersion: ProtocolVersion.DTLS_1_0 },
      marks: ["ClientHello"],
    });
    return await versionSpoken(lab, client);
  },
});
