import { type Finding, type GatewayAttack, gatewayAttack } from "../../attack.ts";
import type { GatewayLab } from "../../lab/gateway-lab.ts";
import { extension } from "../../tls/extensions.ts";
import { NamedGroup, ProtocolVersion } from "../../tls/numbers.ts";
import { answerTo, firstHello, judgeAnswer } from "./first-hello.ts";

/** Public keys that are none: what becomes of them is known to everybody, or tells something of the other's key. */
export const invalidShares = {
  zeros: { group: NamedGroup.x25519, share: new Uint8Array(32), what: "an x25519 share of zeros" },
  short: { group: NamedGroup.x25519, share: new Uint8Array(31).fill(9), what: "an x25519 share of 31 bytes" },
  offCurve: {
    group: NamedGroup.secp256r1,
    share: Uint8Array.of(4, ...new Uint8Array(64).fill(1)),
    what: "a point that is not on P-256",
  },
  infinity: { group: NamedGroup.secp256r1, share: new Uint8Array(1), what: "the point at infinity" },
} as const;
export type InvalidShare = (typeof invalidShares)[keyof typeof invalidShares];

const invalidShareReference = {
  rfc: ["RFC 8446 §4.2.8.2", "RFC 8446 §7.4.2"],
  cwe: [325, 347],
  en303645: ["5.5-1"],
  cra: ["I(2)(e)"],
} as const;

/** TLS 1.3: the share is in the first hello, and must be looked at before a ServerHello goes out. */
export function invalidShareAttack(id: string, { group, share, what }: InvalidShare): GatewayAttack {
  return gatewayAttack({
    id,
    title: `${what}, in TLS 1.3`,
    transports: ["tls"],
    defeats: "invalid-key-share",
    severity: "high",
    reference: invalidShareReference,
    run: (lab: GatewayLab): Promise<Finding> => run(lab, group, share, what),
  });
}

async function run(lab: GatewayLab, group: number, share: Uint8Array, what: string): Promise<Finding> {
  const hello = firstHello(lab, {
    cipherSuites: [0x1301, 0x1302, 0x1303],
    groups: [group],
    extensions: [
      extension.supportedVersions([ProtocolVersion.TLS_1_3]),
      extension.keyShares([{ group, keyExchange: share }]),
    ],
  });
  const answer = await answerTo(lab, hello, what);
  return judgeAnswer(lab, answer, (got) =>
    got.hello !== undefined && !got.isRetry ? `the gateway agrees on a key with ${what}` : undefined,
  );
}
