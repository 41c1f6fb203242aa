import type { ExitCode } from "../errors.ts";
import { commandLine, type LabOptions, labDefaults, labOptions } from "../mitm/lab-options.ts";
import { runLab } from "../mitm/lab-run.ts";
import { defaultJobs, ownDeviceSource, ownGatewaySource, ownPairSource } from "../mitm/own-sources.ts";
import { type Session, type VerbGroup, wholeNumber } from "../verb.ts";

interface OwnOptions extends LabOptions {
  readonly jobs: number;
}

export function addMitmOwn(mitm: VerbGroup): void {
  mitm.verb<OwnOptions>(
    {
      usage: "own",
      summary: "the whole catalogue against Sallyport's own gateway, device client, and the path between",
      description:
        "Starts gateways and device clients of Sallyport on free loopback ports, on lab CAs that live in memory, and " +
        "tries every attack of the catalogue on them. Exits with 0 when every case held, 1 when one was broken, and 6 when " +
        "one could not be judged.",
      examples: [
        ["mitm own", "in this terminal"],
        ["mitm own --junit mitm.xml --bundle evidence", "in a pipeline"],
        ["mitm own --case U-07", "one attack, wherever it applies"],
      ],
    },
    (command) =>
      labOptions(command).option(
        "--jobs <n>",
        "how many targets to attack beside each other",
        wholeNumber(1, 64),
        defaultJobs,
      ),
    own,
  );
}

async function own(session: Session, options: OwnOptions): Promise<ExitCode> {
  const { jobs } = options;
  return await runLab(session, options, {
    sources: [ownGatewaySource(jobs), ownDeviceSource(jobs), ownPairSource(jobs)],
    command: commandLine("own", [], options, { ...labDefaults, jobs: defaultJobs }),
    plan: [
      "Sallyport attacks itself: gateways and device clients of its own, on free loopback ports, with lab CAs in memory.",
    ],
  });
}
