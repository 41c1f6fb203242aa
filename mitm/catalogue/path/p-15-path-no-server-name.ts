import { pairAttack } from "../../attack.ts";
import { Extension, extensionOf, withoutExtension } from "../../path/hello.ts";
import { changeHello } from "./changed-hello.ts";

export default pairAttack({
  id: "P-15-path",
  title: "a ClientHello whose server_name was taken out",
  transports: ["tls", "dtls"],
  defeats: "transcript-not-verified",
  severity: "critical",
  reference: {
    rfc: ["RFC 8446 §4.4.4", "RFC 5246 §7.4.9", "RFC 7627 §4", "RFC 6066 §3"],
    cwe: [757, 924],
    en303645: ["5.5-1"],
    cra: ["I(2)(f)"],
  },
  run: (lab) =>
    changeHello(lab, {
      note: "server_name taken out",
      change: (hello) =>
        extensionOf(hello, Extension.serverName) === undefined
          ? undefined
          : withoutExtension(hello, Extension.serverName),
    }),
});
