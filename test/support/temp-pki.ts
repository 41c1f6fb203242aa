import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type Authority,
  type CreateOptions,
  createAuthority,
  type Issued,
  type IssueRequest,
  openAuthority,
} from "../../pki/authority/index.ts";
import { encodePrivateKey, type Inventory, type RevocationReason } from "../../pki/index.ts";

const dayMs = 86_400_000;

export interface TempPkiOptions extends Omit<CreateOptions, "now"> {
  /** Passphrase of the issuing key is taken from the create options. Days before now that the CAs were made; default 60. */
  readonly ageDays?: number;
}

export interface TempIdentity extends Issued {
  /** PEM, as a TLS client takes them. */
  readonly key: string;
  readonly cert: string;
  readonly ca: string;
  /** The same on disk, mode 0600, as mosquitto and openssl take them. */
  readonly files: { readonly key: string; readonly certificate: string; readonly ca: string };
}

/**
 * A whole PKI in a directory of its own, made by the product's own code. Its root key is thrown away unless a
 * `rootPassphrase` is given (the key derivation takes a quarter of a second).
 *
 *     await using pki = await tempPki();
 *     const pump = await pki.device("pump-1");
 *     const late = await pki.device("pump-2", { issuedDaysAgo: 30, validityDays: 7 });   // expired
 *     await pki.revoke("pump-1");
 */
export async function tempPki(options: TempPkiOptions = {}): Promise<TempPki> {
  const { ageDays = 60, ...create } = options;
  const directory = mkdtempSync(join(tmpdir(), "sallyport-pki-"));
  const clock = { now: () => new Date(Date.now() - ageDays * dayMs) };
  await createAuthority(directory, {
    rootAlgorithm: "p256",
    dangerouslyDiscardRootKey: options.rootPassphrase === undefined,
    actor: "test",
    ...create,
    now: () => clock.now(),
  });
  clock.now = () => new Date();
  const passphrase = options.issuingPassphrase === undefined ? {} : { passphrase: options.issuingPassphrase };
  const authority = openAuthority(directory, { actor: "test", now: () => clock.now(), ...passphrase });
  // The gateway's certificate as of now, not as of when the CAs were made.
  await authority.issueGateway();
  await authority.writeCrl();
  return new TempPki(directory, authority, clock);
}

export class TempPki implements AsyncDisposable, Disposable {
  readonly directory: string;
  readonly authority: Authority;
  readonly inventory: Inventory;
  readonly #clock: { now: () => Date };

  constructor(directory: string, authority: Authority, clock: { now: () => Date }) {
    this.directory = directory;
    this.authority = authority;
    this.inventory = authority.inventory;
    this.#clock = clock;
  }

  /** Where the authority keeps a file: `pki.path("gateway.cert.pem")`. */
  path(name: string): string {
    return join(this.directory, name);
  }

  device(id: string, options: MintOptions = {}): Promise<TempIdentity> {
    return this.#mint({ ...options, id, kind: "device" });
  }

  operator(id: string, options: MintOptions = {}): Promise<TempIdentity> {
    return this.#mint({ ...options, id, kind: "operator" });
  }

  /** A further certificate, with a new key, for the same identity. */
  async renew(id: string): Promise<TempIdentity> {
    return this.#written(await this.authority.renew({ id }), `${id}-renewed-${Date.now()}`);
  }

  async revoke(id: string, reason: RevocationReason = "unspecified"): Promise<void> {
    await this.authority.revoke({ id, reason });
  }

  /** Runs `work` with the authority's clock set to another time. */
  async at<T>(time: Date, work: () => Promise<T>): Promise<T> {
    const { now } = this.#clock;
    this.#clock.now = () => time;
    try {
      return await work();
    } finally {
      this.#clock.now = now;
    }
  }

  [Symbol.dispose](): void {
    this.authority.close();
    rmSync(this.directory, { recursive: true, force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this[Symbol.dispose]();
  }

  async #mint({ issuedDaysAgo = 0, ...request }: MintOptions & IssueRequest): Promise<TempIdentity> {
    const time = new Date(Date.now() - issuedDaysAgo * dayMs);
    return this.#written(await this.at(time, () => this.authority.issue(request)), request.id);
  }

  #written(issued: Issued, name: string): TempIdentity {
    const out = join(this.directory, "devices");
    mkdirSync(out, { recursive: true, mode: 0o700 });
    const files = {
      key: join(out, `${name}.key.pem`),
      certificate: join(out, `${name}.cert.pem`),
      ca: join(out, "ca.pem"),
    };
    const key = issued.privateKey === undefined ? "" : encodePrivateKey(issued.privateKey);
    if (key !== "") writeFileSync(files.key, key, { mode: 0o600 });
    writeFileSync(files.certificate, issued.chainPem);
    writeFileSync(files.ca, issued.caPem);
    return { ...issued, key, cert: issued.chainPem, ca: issued.caPem, files };
  }
}

export interface MintOptions extends Omit<IssueRequest, "id" | "kind"> {
  readonly issuedDaysAgo?: number;
}
