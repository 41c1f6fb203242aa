import { CipherSuite } from "../../../dtls/wire/registry.ts";
import { deviceAttack } from "../../attack.ts";
import { serveWith } from "./flight.ts";
import { authentication, overDtls } from "./reference.ts";

export default deviceAttack({
  id: "U-37a",
  title: "a gateway that chooses an empty pre-shared key in place of certificates",
  transports: overDtls,
  defeats: "unoffered-cipher-suite",
  severity: "critical",
  reference: authentication(["RFC 5246 §7.4.1.3", "RFC 4279 §2"], [287, 757]),
  async run(lab) {
    const cipherSuite = CipherSuite.TLS_PSK_WITH_AES_128_GCM_SHA256;
    return await serveWith(lab, { hello: { cipherSuite }, psk: () => new Uint8Array() }, ["ServerHello"]);
  },
});
