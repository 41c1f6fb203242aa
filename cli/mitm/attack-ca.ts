import type { LabPki } from "../../mitm/index.ts";
import { parseCertificates, readBoundedFile, readPrivateKeyFile } from "../../pki/index.ts";
import { CliError } from "../errors.ts";
import { stateFiles } from "../state-directory.ts";
import type { Session } from "../verb.ts";
import type { AttackCaOptions } from "./attack-ca-options.ts";
import type { Interruption } from "./interruption.ts";
import { openLabCa } from "./lab-ca.ts";
import { openRealCa } from "./real-ca.ts";

export interface AttackCa {
  readonly pki: LabPki;
  /** The names of the gateway that its devices know. */
  readonly names: readonly string[];
  /** What the target has to trust. */
  readonly caFile: string;
}

/** Whom a real CA may be misused against; a lab CA has nobody to protect. */
export interface AttackCaUse {
  readonly devices: readonly string[];
  readonly gateway: boolean;
}

/**
 * Opens the CA that was named, if one was, for as long as `work` takes: what a real one signed is revoked afterwards,
 * however that ended. Throws CLI_USAGE for a real CA without its name.
 */
export async function withAttackCa<T>(
  session: Session,
  options: AttackCaOptions,
  use: AttackCaUse,
  interruption: Interruption,
  work: (ca: AttackCa | undefined) => Promise<T>,
): Promise<T> {
  const { labCa, dangerouslyUseRealCa: confirm } = options;
  if (labCa !== undefined) {
    const { pki, files, names } = openLabCa(labCa);
    return await work({ pki, names, caFile: files.ca });
  }
  if (confirm === undefined) return await work(undefined);
  const files = stateFiles(options.dir);
  const { issuingPassphraseFile } = options;
  const real = await openRealCa(session, {
    dir: options.dir,
    ...(issuingPassphraseFile !== undefined && { issuingPassphraseFile }),
    confirm: confirm === true ? undefined : confirm,
    ...use,
    // The key that devices pin: the lab stands in the gateway's place, and has it.
    ...(use.gateway && { gatewayKey: readPrivateKeyFile(files.gatewayKey) }),
  });
  const off = interruption.onHurry(() => real.close());
  try {
    return await work({ pki: real.pki, names: gatewayNames(files.gatewayCertificate), caFile: files.ca });
  } finally {
    await real.close();
    off();
    session.out.note(
      real.signed === 0
        ? "the real CA signed nothing for the lab"
        : `what the real CA signed for the lab, ${real.signed} in all, is revoked; \`sallyport audit export\` shows it`,
    );
  }
}

function gatewayNames(path: string): string[] {
  const [leaf] = parseCertificates(readBoundedFile(path).toString("utf8"));
  const names = (leaf?.subjectAltName ?? []).flatMap((name) => (name.type === "dNSName" ? [name.value] : []));
  if (names.length === 0) throw new CliError("CLI_FILE_UNREADABLE", `${path} names no gateway`);
  return names;
}
