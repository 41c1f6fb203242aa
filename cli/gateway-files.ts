import { statSync } from "node:fs";
import type { GatewayOptions } from "../gateway/index.ts";
import {
  type Certificate,
  decodePem,
  KeySigner,
  PkiError,
  parseCertificateList,
  parseCertificates,
  readBoundedFile,
  readPrivateKeyFile,
} from "../pki/index.ts";
import { readAccessFile } from "./access-file.ts";
import type { StateFiles } from "./state-directory.ts";

/** What a running gateway takes from files, and takes again when they change. */
export type GatewayFiles = Required<
  Pick<GatewayOptions, "identity" | "anchors" | "intermediates" | "access" | "crls">
>;

/** Reads them all, or throws and leaves what runs as it is. `crl` is an additional revocation list, if any. */
export function readGatewayFiles(files: StateFiles, crl: string | undefined): GatewayFiles {
  const key = new KeySigner(readPrivateKeyFile(files.gatewayKey)).exportForTls();
  return {
    identity: { key, certificateChain: readChain(files.gatewayCertificate) },
    anchors: readCertificates(files.ca),
    intermediates: readCertificates(files.issuingCertificate),
    access: readAccessFile(files.access),
    crls: crl === undefined ? [] : readCrls(crl),
  };
}

/** Calls back when one of the files is another than last time. Poll-driven: rename, copy and network disks all count. */
export class FileWatch {
  readonly #paths: readonly string[];
  #seen: string;

  constructor(paths: readonly string[]) {
    this.#paths = paths;
    this.#seen = this.#look();
  }

  changed(): boolean {
    const now = this.#look();
    if (now === this.#seen) return false;
    this.#seen = now;
    return true;
  }

  #look(): string {
    return this.#paths
      .map((path) => {
        const status = statSync(path, { throwIfNoEntry: false });
        return status === undefined ? "absent" : `${status.ino} ${status.size} ${status.mtimeMs}`;
      })
      .join("\n");
  }
}

/** Is the file at this path still the one that was there? What is written into it does not count. */
export class FileIdentity {
  readonly #path: string;
  readonly #seen: string;

  constructor(path: string) {
    this.#path = path;
    this.#seen = this.#look();
  }

  changed(): boolean {
    return this.#look() !== this.#seen;
  }

  #look(): string {
    const status = statSync(this.#path, { bigint: true, throwIfNoEntry: false });
    return status === undefined ? "absent" : `${status.dev} ${status.ino}`;
  }
}

export function watchedFiles(files: StateFiles, crl: string | undefined): FileWatch {
  const paths = [
    files.gatewayCertificate,
    files.gatewayKey,
    files.ca,
    files.issuingCertificate,
    files.access,
  ];
  return new FileWatch(crl === undefined ? paths : [...paths, crl]);
}

/** TLS takes an empty or cut off chain without a word, and every handshake fails afterwards: it is read here first. */
function readChain(path: string): string {
  return parsed(path, (text) => {
    parseCertificates(text);
    return text;
  });
}

function readCertificates(path: string): Certificate[] {
  return parsed(path, parseCertificates);
}

function readCrls(path: string) {
  return parsed(path, (text) => decodePem(text, "X509 CRL").map(({ der }) => parseCertificateList(der)));
}

/** What `parse` makes of the file's text; its errors name the file. */
function parsed<T>(path: string, parse: (text: string) => T): T {
  const text = readBoundedFile(path).toString("utf8");
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof PkiError)) throw error;
    throw new PkiError(error.code, `${path}: ${error.message}`, { cause: error });
  }
}
