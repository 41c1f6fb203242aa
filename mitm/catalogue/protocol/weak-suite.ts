import { type GatewayAttack, gatewayAttack } from "../../attack.ts";
import { type WeakSuiteKind, weakSuites } from "../../tls/weak-suites.ts";
import { answerTo, firstHello, judgeAnswer } from "./first-hello.ts";

/** A hello with suites of one kind alone: a gateway that goes on has taken one of them. */
export function weakSuiteAttack(
  kind: WeakSuiteKind,
  attack: Pick<GatewayAttack, "id" | "title" | "severity"> & { readonly rfc: readonly string[] },
): GatewayAttack {
  const { rfc, ...info } = attack;
  return gatewayAttack({
    ...info,
    transports: ["tls"],
    defeats: kind,
    reference: { rfc, cwe: [326, 327], en303645: ["5.5-1"], cra: ["I(2)(e)"] },
    async run(lab) {
      const suites = weakSuites[kind];
      const answer = await answerTo(lab, firstHello(lab, { cipherSuites: suites }), info.title);
      return judgeAnswer(lab, answer, ({ hello }) =>
        hello === undefined
          ? undefined
          : `the gateway goes on with suite 0x${hello.cipherSuite.toString(16).padStart(4, "0")}`,
      );
    },
  });
}
