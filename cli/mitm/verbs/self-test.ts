import { catalogue, type RunReport, selfTest } from "../../../mitm/index.ts";
import { ExitCode } from "../../errors.ts";
import { type Session } from "../../verb.ts";
import { version } from "../../version.ts";
import { interruptible } from "../interruption.ts";
import { type CaseOptions } from "../lab-options.ts";
import { progressing } from "../lab-run.ts";

export interface SelfTestOptions extends CaseOptions {
  readonly jobs: number;
}

export async function test(session: Session, options: SelfTestOptions): Promise<ExitCode> {
  const { out } = session;
  out.note(
    "The lab attacks weak twins that it makes itself, on free loopback ports, and then ones that keep the rules.",
  );
  const only = options.case ?? [];
  const cases = catalogue.flatMap((attack) => attack.transports.map(() => attack)).length;
  const result = await interruptible(session, ({ signal }) =>
    progressing(session, 2 * cases, (onCase) =>
      selfTest({
        lanes: options.jobs,
        catalogue,
        only,
        seed: options.seed,
        patience: { answerMs: options.patience, silenceMs: Math.min(300, options.patience) },
        deadlineMs: options.caseTimeout * 1_000,
        signal,
        tool: { name: "sallyport mitm", version: version() },
        onCase: (one, done, total) => {
          // A weak twin is there to be broken.
          onCase({ ...one, verdict: "held" }, done, total);
        },
      }),
    ),
  );
  const { killRate, notHeld } = result;
  out.result({ killRate, notHeld }, () => {
    out.say(`kill rate: ${killRate.detected} of ${killRate.total} weak twins were found broken`);
    for (const id of killRate.missed) out.say(`missed: ${id}: ${howOf(result.report, id)}`);
    for (const { id, verdict, how } of notHeld) {
      out.say(
        `${verdict === "broken" ? "false alarm" : verdict} on a twin that keeps the rules: ${id}: ${how}`,
      );
    }
    if (notHeld.length === 0) out.say("each case holds, or does not apply, on a twin that keeps the rules");
  });
  const sound =
    killRate.missed.length === 0 && notHeld.length === 0 && result.report.interrupted === undefined;
  return sound ? ExitCode.ok : ExitCode.failure;
}

function howOf({ cases }: RunReport, id: string): string {
  const one = cases.find((each) => each.id === id);
  return one === undefined ? "" : `${one.verdict}, ${one.how}`;
}
