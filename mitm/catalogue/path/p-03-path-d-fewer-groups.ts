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
        const extensions = hello.extensions?.map((one) => {
          if (one.type === Extension.supportedGroups) return { ...one, data };
          return one.type === Extension.keyShare ? { ...one, data: sharesOf(one.data, 23) } : one;
        });
        return { ...hello, extensions };
      },
    }),
});

/** RFC 8446 §4.2.8: the KeyShareClientHello with the shares of this group alone, if there are any; it may be empty. */
function sharesOf(data: Uint8Array, group: number): Uint8Array {
  const bytes = Buffer.from(data);
  const kept: Uint8Array[] = [];
  for (let at = 2; at + 4 <= bytes.length; ) {
    const end = at + 4 + bytes.readUInt16BE(at + 2);
    if (bytes.readUInt16BE(at) === group) kept.push(bytes.subarray(at, end));
    at = end;
  }
  const shares = Buffer.concat(kept);
  return Buffer.concat([Uint8Array.of(shares.length >>> 8, shares.length & 0xff), shares]);
}
