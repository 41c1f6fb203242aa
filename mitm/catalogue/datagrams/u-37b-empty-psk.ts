import { CipherSuite } from "../../../dtls/wire/registry.ts";
import { gatewayAttack } from "../../attack.ts";
import { enterWith } from "./flight.ts";
import { authentication, overDtls } from "./reference.ts";

export default gatewayAttack({
  id: "U-37b",
  title: "an empty pre-shared key of the identity of a device",
  transports: overDtls,
  defeats: "psk-without-key",
  severity: "critical",
  reference: authentication(["RFC 4279 §2", "RFC 4279 §7.2"], [521, 1188]),
  async run(lab) {
    const identity = Buffer.from(lab.attacker.deviceId);
    const cipherSuites = [
      CipherSuite.TLS_PSK_WITH_AES_128_GCM_SHA256,
      CipherSuite.TLS_PSK_WITH_AES_128_CCM_8,
    ];
    const psk = { identity, key: new Uint8Array() };
    return await enterWith(lab, { psk, cipherSuites, credential: undefined }, ["ClientHello"]);
  },
});
