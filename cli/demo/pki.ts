import { type CreatedAuthority, createAuthority, openAuthority } from "../../pki/authority/index.ts";
import { provision } from "../provision.ts";
import { makePassphrase } from "../secrets.ts";
import { type StateFiles, stateFiles } from "../state-directory.ts";

/** A PKI for minutes: its root key goes nowhere. */
export async function makeDemoPki(directory: string): Promise<CreatedAuthority> {
  return await createAuthority(directory, {
    rootPassphrase: makePassphrase(),
    dangerouslyDiscardRootKey: true,
  });
}

export async function provisionForDemo(
  files: StateFiles,
  kind: "device" | "operator",
  ids: string[],
): Promise<void> {
  using authority = openAuthority(files.directory);
  const place = {
    directory: stateFiles(files.directory).devices,
    format: "pem",
    p12Passphrase: undefined,
  } as const;
  await provision({ authority, kind, place: { ...place, force: false }, options: { key: "p256" } }, ids);
}

export async function revokeForDemo(files: StateFiles, id: string): Promise<void> {
  using authority = openAuthority(files.directory);
  await authority.revoke({ id, reason: "keyCompromise" });
}
