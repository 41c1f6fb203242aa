import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Story } from "../demo/story.ts";
import { CliError, ExitCode } from "../errors.ts";
import type { Session, VerbGroup } from "../verb.ts";

export function addDemo(program: VerbGroup): void {
  program.verb(
    {
      usage: "demo",
      summary: "watch the whole story in a temporary directory",
      description:
        "Makes a PKI, starts a gateway on a free port, provisions and connects devices, sends telemetry, lets an impostor " +
        "and a liar try, and revokes a certificate under a live session. It prints what happened at each step, removes " +
        "its directory, and exits with 0 when each step went as it should.",
      examples: [
        ["demo", "watch it"],
        ["demo --json", "each step as a JSON line"],
      ],
    },
    () => undefined,
    demo,
  );
}

async function demo({ io, out }: Session): Promise<ExitCode> {
  const directory = mkdtempSync(join(tmpdir(), "sallyport-demo-"));
  // Keys are in there: they go too when somebody has seen enough, and the process then ends as it would have.
  const remove = () => rmSync(directory, { recursive: true, force: true });
  const offs = (["SIGINT", "SIGTERM", "SIGHUP"] as const).map((signal) =>
    io.onSignal(signal, () => {
      for (const off of offs) off();
      remove();
      process.kill(process.pid, signal);
    }),
  );
  out.say(`in ${directory}, which is removed at the end\n`);
  try {
    await using story = new Story(directory);
    for (const [index, { title, run }] of story.steps.entries()) {
      const number = `${index + 1}/${story.steps.length}`.padStart(5);
      const result = await run().catch((error: unknown) => {
        out.event({ step: index + 1, title, ok: false }, `${out.style("red", "fail")} ${number}  ${title}`);
        const reason = error instanceof Error ? error.message : String(error);
        throw new CliError("CLI_DEMO_FAILED", `${title}: ${reason}`, { cause: error });
      });
      out.event(
        { step: index + 1, title, ok: true, result },
        `${out.style("green", "ok  ")} ${number}  ${title}\n            ${out.style("dim", result)}`,
      );
    }
  } finally {
    for (const off of offs) off();
    remove();
  }
  out.say("\nEvery step went as it should. To do it yourself: npx sallyport start");
  return ExitCode.ok;
}
