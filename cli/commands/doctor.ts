import { examine, type Finding } from "../doctor/examine.ts";
import { ExitCode } from "../errors.ts";
import { dirOption, type Session, type VerbGroup } from "../verb.ts";

interface DoctorOptions {
  readonly dir: string;
  readonly strict?: boolean;
}

export function addDoctor(program: VerbGroup): void {
  program.verb<DoctorOptions>(
    {
      usage: "doctor",
      summary: "say what is weak or about to fail",
      description:
        "Looks at the state directory and the machine: key files and what an interrupted command left of them, where the " +
        "CA's keys are, certificates about to end, the revocation list, settings, the audit log, the broker's state, clock, " +
        "disk and Node. It changes nothing. Exit code 1 when something is wrong; with --strict also when something is weak.",
      examples: [
        ["doctor", "look at everything"],
        ["doctor --strict --json", "for a monitor"],
      ],
    },
    (command) => command.addOption(dirOption()).option("--strict", "fail on warnings too"),
    doctor,
  );
}

async function doctor({ io, out }: Session, options: DoctorOptions): Promise<ExitCode> {
  const findings = examine(options.dir, io.now());
  const count = (level: Finding["level"]) => findings.filter((finding) => finding.level === level).length;
  const errors = count("error");
  const warnings = count("warning");
  const healthy = errors === 0 && (options.strict !== true || warnings === 0);
  out.result({ healthy, errors, warnings, findings }, () => {
    for (const finding of findings) {
      out.say(`${mark(out, finding.level)}  ${finding.check}: ${finding.message}`);
      if (finding.next !== undefined) out.say(`         ${out.style("dim", finding.next)}`);
    }
    out.say();
    out.say(`${errors} wrong, ${warnings} weak, ${count("ok")} fine`);
  });
  return healthy ? ExitCode.ok : ExitCode.failure;
}

function mark(out: Session["out"], level: Finding["level"]): string {
  if (level === "ok") return out.style("green", "fine ");
  return level === "warning" ? out.style("yellow", "weak ") : out.style("red", "wrong");
}
