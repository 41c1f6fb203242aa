import { existsSync, readFileSync, renameSync } from "node:fs";
import { PkiError } from "../errors.ts";
import { DEFAULT_TRUST_DOMAIN } from "../identity.ts";
import { Inventory } from "../inventory/index.ts";
import { readPrivateKeyFile } from "../keys.ts";
import { KeySigner, type Signer } from "../signer.ts";
import { type Certificate, parseCertificates } from "../x509/certificate.ts";
import { Authority } from "./authority.ts";
import { type Layout, layoutOf } from "./layout.ts";
import { holdsAuthority } from "./staging.ts";

export interface OpenOptions {
  /** Opens the issuing CA's key where it is encrypted; wanted at the first signature, not before. */
  readonly passphrase?: string;
  /** Signs in place of issuing.key.pem: a token, a remote service. */
  readonly signer?: Signer;
  readonly now?: () => Date;
  /** Who acts, for the audit log; default the operating system's user name. */
  readonly actor?: string;
}

/**
 * Opens the authority in `directory`. Throws PKI_AUTHORITY_MISSING, PKI_AUTHORITY_DAMAGED, PKI_INVENTORY_*. Keys are
 * read when they are first needed, and refused then when others may read them (PKI_KEY_PERMISSIONS).
 */
export function openAuthority(directory: string, options: OpenOptions = {}): Authority {
  if (!holdsAuthority(directory)) {
    throw new PkiError(
      "PKI_AUTHORITY_MISSING",
      `no authority in ${directory}: run "sallyport init", or name its directory`,
    );
  }
  const files = layoutOf(directory);
  const [root] = readCertificates(files.rootCertificate);
  const chain = readCertificates(files.issuingCertificate);
  const [issuing] = chain;
  if (root === undefined || issuing === undefined) throw damaged("a certificate is missing");
  finishKeyChange(files);
  const now = options.now ?? (() => new Date());
  const actor = options.actor === undefined ? {} : { actor: options.actor };
  const inventory = Inventory.open(directory, { now, ...actor });
  let signer = options.signer;
  return new Authority({
    directory,
    trustDomain: inventory.setting("trustDomain") ?? DEFAULT_TRUST_DOMAIN,
    root,
    chain: [issuing, ...chain.slice(1)],
    inventory,
    now,
    signer: () => {
      signer ??= new KeySigner(readPrivateKeyFile(files.issuingKey, passphrase(options.passphrase)));
      if (!signer.publicKey.equals(issuing.publicKey))
        throw damaged(`the key in ${files.issuingKey} is not the issuing CA's`);
      return signer;
    },
    rootSigner: (rootPassphrase) => openRootKey(files, root, rootPassphrase),
  });
}

function openRootKey(files: Layout, root: Certificate, rootPassphrase: string | undefined): Signer {
  if (!existsSync(files.rootKey)) {
    throw new PkiError(
      "PKI_ROOT_KEY_ABSENT",
      `the root key is needed for this: put it back as ${files.rootKey} for as long as it takes`,
    );
  }
  const signer = new KeySigner(readPrivateKeyFile(files.rootKey, passphrase(rootPassphrase)));
  if (!signer.publicKey.equals(root.publicKey))
    throw damaged(`the key in ${files.rootKey} is not the root's`);
  return signer;
}

/** A gateway key that was waiting for its certificate when the process ended takes its place. */
function finishKeyChange(files: Layout): void {
  if (!existsSync(files.gatewayNextKey)) return;
  const [gateway] = readCertificates(files.gatewayCertificate);
  const next = new KeySigner(readPrivateKeyFile(files.gatewayNextKey));
  if (gateway?.publicKey.equals(next.publicKey) === true) renameSync(files.gatewayNextKey, files.gatewayKey);
}

function readCertificates(path: string): Certificate[] {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    throw new PkiError("PKI_AUTHORITY_DAMAGED", `cannot read ${path}: restore it from a backup`, { cause });
  }
  return parseCertificates(text);
}

function passphrase(text: string | undefined): { readonly passphrase?: string } {
  return text === undefined ? {} : { passphrase: text };
}

function damaged(what: string): PkiError {
  return new PkiError("PKI_AUTHORITY_DAMAGED", `${what}: restore the directory from a backup`);
}
