import { type GatewayAttack, gatewayAttack } from "../../attack.ts";
import { answerTo, firstHello, judgeAnswer } from "./first-hello.ts";

/** Suites that those versions have, and good ones that a server might take them for. */
const suites = [0xc009, 0xc00a, 0xc013, 0xc014, 0x002f, 0x0035, 0xc02b, 0xc02f];

/** A hello of a version before TLS 1.2: right but for its age. */
export function legacyVersionAttack(attack: {
  readonly id: string;
  readonly name: string;
  readonly version: number;
  readonly rfc: readonly string[];
}): GatewayAttack {
  const { id, name, version, rfc } = attack;
  return gatewayAttack({
    id,
    title: `a ClientHello of ${name}`,
    transports: ["tls"],
    defeats: "legacy-version-accepted",
    severity: "high",
    reference: { rfc, cwe: [757, 327], en303645: ["5.5-1"], cra: ["I(2)(e)"] },
    async run(lab) {
      const hello = firstHello(lab, { legacyVersion: version, cipherSuites: suites });
      const answer = await answerTo(lab, hello, `client_version is that of ${name}`);
      return judgeAnswer(lab, answer, ({ hello: taken }) =>
        taken !== undefined && taken.serverVersion < 0x0303 ? `the gateway goes on in ${name}` : undefined,
      );
    },
  });
}
