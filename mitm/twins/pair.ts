import type { LabPki } from "../mint/lab-pki.ts";
import type { PairTarget } from "../targets.ts";
import { PairDevice } from "./pair-device.ts";
import { PairGateway } from "./pair-gateway.ts";
import { pairRules } from "./pair-rules.ts";

const gatewayName = "gateway.site.lab.test";

/**
 * A device and a gateway for the lab to try itself on, which say and hear what it tells them to. Both leave out the checks
 * whose weaknesses they tolerate.
 */
export async function twinPair(pki: LabPki, tolerates: ReadonlySet<string>): Promise<PairTarget> {
  const rules = pairRules(tolerates);
  const gateway = await PairGateway.start(pki, [gatewayName], rules);
  const device = await PairDevice.of(pki, gatewayName, rules);
  return {
    name: tolerates.size === 0 ? "strict twins" : `twins that lack ${[...tolerates].join(", ")}`,
    transports: ["tls", "dtls"],
    gateway: gateway.addresses,
    connectionIds: true,
    attacker: { deviceId: "attacker", credential: await pki.device("attacker") },
    async dial(transport, to) {
      const heard: string[] = [];
      gateway.onheard = (text) => heard.push(text);
      return device.dial(transport, to, { heard, say: (text) => gateway.say(text) });
    },
    close: () => gateway.close(),
  };
}
