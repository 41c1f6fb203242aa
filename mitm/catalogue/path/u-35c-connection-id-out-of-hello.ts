import { pairAttack } from "../../attack.ts";
import { Extension, extensionOf, withoutExtension } from "../../path/hello.ts";
import { changeHello } from "./changed-hello.ts";

export default pairAttack({
  id: "U-35c",
  title: "a ClientHello whose connection_id was taken out",
  transports: ["dtls"],
  defeats: "transcript-not-verified",
  severity: "critical",
  reference: {
    rfc: ["RFC 8446 §4.4.4", "RFC 5246 §7.4.9", "RFC 7627 §4", "RFC 9146 §3"],
    cwe: [757, 924],
    en303645: ["5.5-1"],
    cra: ["I(2)(f)"],
  },
  run: (lab) =>
    changeHello(lab, {
      note: "connection_id taken out",
      change: (hello) =>
        extensionOf(hello, Extension.connectionId) === undefined
          ? undefined
          : withoutExtension(hello, Extension.connectionId),
    }),
});
