import type { ExitCode } from "../../errors.ts";
import { type Session } from "../../verb.ts";
import { commandLine, defaultJobs, type LabOptions, labDefaults } from "../lab-options.ts";
import { runLab } from "../lab-run.ts";
import { ownDeviceSource, ownGatewaySource, ownPairSource } from "../own-sources.ts";

export interface OwnOptions extends LabOptions {
  readonly jobs: number;
}

export async function own(session: Session, options: OwnOptions): Promise<ExitCode> {
  const { jobs } = options;
  return await runLab(session, options, {
    sources: [ownGatewaySource(jobs), ownDeviceSource(jobs), ownPairSource(jobs)],
    command: commandLine("own", [], options, { ...labDefaults, jobs: defaultJobs }),
    plan: [
      "Sallyport attacks itself: gateways and device clients of its own, on free loopback ports, with lab CAs in memory.",
    ],
  });
}
