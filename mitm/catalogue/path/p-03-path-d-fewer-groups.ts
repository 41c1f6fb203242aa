import { pairAttack } from "../../attack.ts";
import { Extension, extensionOf } from "../../path/hello.ts";
import { changeHello } from "./changed-hello.ts";

export default pairAttack({
  id: "P-03-path-d",
  title: "a ClientHello whose groups were cut down to secp256r1",
  transports: ["tls", "dtls"],
  defeats: "transcript-not-verified",
  severity: "critical",
  reference: {
    rfc: ["RFC 8446 §4.4.4", "RFC 5246 §7.4.9", "RFC 7627 §4"],
    cwe: [757, 924],
    en303645: ["5.5-1"],
    cra: ["I(2)(f)"],
  },
  run: (lab) =>
    changeHello(lab, {
      note: "supported_groups: secp256r1 alone",
      change: (hello) => {
        const groups = extensionOf(hello, Extension.supportedGroups);
        // RFC 8422 §5.1.1: a list of two bytes, secp256r1.
        const data = Uint8Array.of(0, 2, 0, 23);
        if (groups === undefined || Buffer.compare(groups, data) === 0) return undefined;
        const extensions = hello.extensions?.map((one) =>
          one.type === Extension.supportedGroups ? { ...one, data } : one,
        );
        return { ...hello, extensions };
      },
    }),
});
