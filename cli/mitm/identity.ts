import type { DeviceAccount } from "../../mitm/index.ts";
import {
  decodePem,
  parseCertificate,
  readBoundedFile,
  readIdentity,
  readPrivateKeyFile,
} from "../../pki/index.ts";
import { CliError } from "../errors.ts";
import { findIdentity } from "../identity-place.ts";

/** A device whose key and certificate are in files, as `device add` leaves them. */
export function readAccount(
  id: string,
  place: { readonly dir: string; readonly identity?: string },
): DeviceAccount {
  const files = findIdentity(id, place);
  const key = readPrivateKeyFile(files.key);
  const chain = decodePem(readBoundedFile(files.certificate).toString("utf8"))
    .filter(({ label }) => label === "CERTIFICATE")
    .map(({ der }) => der);
  const [leaf] = chain;
  if (leaf === undefined)
    throw new CliError("CLI_FILE_UNREADABLE", `${files.certificate} holds no certificate`);
  return { deviceId: idIn(leaf) ?? id, credential: { name: `the certificate of ${id}`, chain, key } };
}

/** What its certificate says; undefined for one of another system, which need not name a device as ours do. */
function idIn(leaf: Uint8Array): string | undefined {
  try {
    return readIdentity(parseCertificate(leaf)).id;
  } catch {
    return undefined;
  }
}
