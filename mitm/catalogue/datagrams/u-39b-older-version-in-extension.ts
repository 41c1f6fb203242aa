import { gatewayAttack } from "../../attack.ts";
import { authentication, overDtls } from "./reference.ts";
import { versionSpoken } from "./version.ts";

export default gatewayAttack({
  id: "U-39b",
  title: "a ClientHello of DTLS 1.2 whose supported_versions has DTLS 1.0 alone",
  transports: overDtls,
  defeats: "legacy-version-accepted",
  severity: "medium",
  reference: authentication(["RFC 9325 §3.1.2", "RFC 8446 §4.2.1"], [757, 327]),
  async run(lab) {
    // supported_versions: a list of one.
    const extensions = [{ extensionType: 43, extensionData: Uint8Array.of(2, 0xfe, 0xff) }];
    const client = await lab.dtls({ extensions, marks: ["ClientHello"] });
    return await versionSpoken(lab, client);
  },
});
