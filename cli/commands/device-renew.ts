import { existsSync } from "node:fs";
import { identityFromSigner, replaceIdentityFiles } from "../../device-client/index.ts";
import { type Authority, type Issued } from "../../pki/authority/index.ts";
import { KeySigner, PkiError } from "../../pki/index.ts";
import { type OutputPlace, requireFree } from "../identity-output.ts";
import { type IssueOptions, issueOptions, readIssueOptions } from "../issue-options.ts";
import { openAuthorityToSign } from "../open-authority.ts";
import { finish, keyOf, type Provisioned, withRequest } from "../provision.ts";
import { identityFiles, stateFiles } from "../state-directory.ts";
import type { Session, VerbGroup } from "../verb.ts";
import { sayProvisioned } from "./device-add.ts";
import { unknownDevice } from "./device-list.ts";

interface RenewOptions extends IssueOptions {
  readonly afterRevocation?: boolean;
}

export function addDeviceRenew(device: VerbGroup): void {
  device.verb<RenewOptions>(
    {
      usage: "renew <id...>",
      summary: "give devices or operators a new key and certificate",
      description:
        "Issues a further certificate, with a new key (or, with --csr, for the key that the device made). The one before " +
        "stays good until it ends or is revoked. Without --out the files in place are replaced, as a pair.",
      examples: [
        ["device renew thermometer-1", "replaces the files in certs/devices/"],
        ["device renew pump-3 --csr pump-3.csr.pem --out ./pump-3", "for a key that the device made"],
        ["device renew lost-and-found --after-revocation", "a revoked device that came back"],
      ],
    },
    (command) => {
      issueOptions(command);
      command.option("--after-revocation", "renew although the newest certificate was revoked");
    },
    renew,
  );
}

async function renew(session: Session, options: RenewOptions, ids: string[]): Promise<void> {
  const p12Passphrase = await readIssueOptions(session, options, ids);
  using authority = await openAuthorityToSign(session, options);
  for (const id of ids) {
    if (authority.inventory.device(id) === undefined) throw unknownDevice(id);
  }
  const directory = options.out ?? stateFiles(options.dir).devices;
  // In the default place the old files are what is to be replaced.
  const force = options.force === true || options.out === undefined;
  const place = { directory, format: options.format, p12Passphrase, force };
  requireFree(place, ids, authority.caPem);
  const issued: Provisioned[] = [];
  for (const id of ids) {
    const request = { id, ...keyOf(options), afterRevocation: options.afterRevocation === true };
    const renewed =
      options.csr === undefined
        ? authority.renew(request)
        : withRequest(options.csr, (csr) => authority.renew({ ...request, csr }));
    issued.push(await put(place, authority, await renewed.catch(sayHow)));
  }
  sayProvisioned(session, options, issued);
}

/** The option that the refusal asks for has a name here. */
function sayHow(error: unknown): never {
  if (!(error instanceof PkiError) || error.code !== "PKI_CERTIFICATE_REVOKED") throw error;
  throw new PkiError(error.code, `${error.message}, with --after-revocation`, { cause: error });
}

/** Writes new files, or replaces the old key and certificate as a pair, so that no crash leaves one of each. */
async function put(place: OutputPlace, authority: Authority, issued: Issued): Promise<Provisioned> {
  const files = identityFiles(place.directory, issued.id);
  const { privateKey, chainPem, caPem, certificate } = issued;
  const isPair =
    place.format === "pem" && existsSync(files.key) && existsSync(files.certificate) && existsSync(files.ca);
  if (privateKey === undefined || !isPair) return await finish(place, authority, issued);
  const now = () => certificate.notBefore;
  const identity = identityFromSigner(
    new KeySigner(privateKey),
    { certificate: chainPem, ca: caPem },
    { now },
  );
  replaceIdentityFiles(files, identity);
  const { id, kind } = issued;
  const { fingerprint, notAfter } = certificate;
  return {
    id,
    kind,
    fingerprint,
    notAfter: notAfter.toISOString(),
    files: [files.key, files.certificate, files.ca],
  };
}
