import { type DeviceAttack, deviceAttack, type GatewayAttack, gatewayAttack } from "../../attack.ts";
import type { OutgoingHook } from "../../endpoint.ts";
import { HandshakeType, type TlsVersion } from "../../tls/numbers.ts";
import { enterOver, inPlaceOf, serveOver } from "./at-version.ts";

/** What stands in Finished in place of verify_data. */
const badFinished = {
  zeros: {
    what: "a Finished of zeros",
    defeats: "finished-not-verified",
    spoil: (verifyData: Uint8Array) => new Uint8Array(verifyData.length),
  },
  truncated: {
    what: "a Finished with the first byte of verify_data alone",
    defeats: "finished-length-not-checked",
    spoil: (verifyData: Uint8Array) => verifyData.subarray(0, 1),
  },
} as const;
type Kind = keyof typeof badFinished;

const references = {
  "TLS 1.2": { rfc: ["RFC 5246 §7.4.9"], cwe: [354, 345], en303645: ["5.5-1"], cra: ["I(2)(f)"] },
  "TLS 1.3": { rfc: ["RFC 8446 §4.4.4"], cwe: [354, 345], en303645: ["5.5-1"], cra: ["I(2)(f)"] },
} as const;

export function badFinishedToGateway(id: string, version: TlsVersion, kind: Kind): GatewayAttack {
  const { what, defeats } = badFinished[kind];
  return gatewayAttack({
    id,
    title: `${what}, in ${version}`,
    transports: ["tls"],
    defeats,
    severity: "critical",
    reference: references[version],
    run: async (lab) => lab.judge(await enterOver(lab, version, { outgoing: spoiling(kind) })),
  });
}

export function badFinishedToDevice(id: string, version: TlsVersion, kind: Kind): DeviceAttack {
  const { what, defeats } = badFinished[kind];
  return deviceAttack({
    id,
    title: `${what} from the gateway, in ${version}`,
    transports: ["tls"],
    defeats,
    severity: "critical",
    reference: references[version],
    run: async (lab) => lab.judge(await serveOver(lab, version, { outgoing: spoiling(kind) })),
  });
}

function spoiling(kind: Kind): OutgoingHook {
  const { spoil, what } = badFinished[kind];
  return inPlaceOf("Finished", ({ body }) => [
    { kind: "handshake", msgType: HandshakeType.finished, body: spoil(body), note: what },
  ]);
}
