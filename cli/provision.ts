import { createPublicKey } from "node:crypto";
import { rmSync } from "node:fs";
import type { Authority, Issued } from "../pki/authority/index.ts";
import { generatePrivateKey, isValidIdentityName, PkiError, readBoundedFile } from "../pki/index.ts";
import {
  isComplete,
  type OutputPlace,
  removeUnfinished,
  requireFree,
  writeCa,
  writeIssued,
  writeKey,
} from "./identity-output.ts";
import type { IssueOptions } from "./issue-options.ts";

/** Who is to get certificates, and how. */
export interface Assignment {
  readonly authority: Authority;
  readonly kind: "device" | "operator";
  readonly group?: string | undefined;
  readonly place: OutputPlace;
  readonly options: Pick<IssueOptions, "key" | "days" | "csr">;
}

/** One identity that was made, as `--json` prints it. */
export interface Provisioned {
  readonly id: string;
  readonly kind: "device" | "operator";
  readonly fingerprint: string;
  readonly notAfter: string;
  readonly files: readonly string[];
}

/** Issues to new devices or operators and writes their files. None is made when an id is bad or taken, or a file in the way. */
export async function provision(assignment: Assignment, ids: readonly string[]): Promise<Provisioned[]> {
  const { authority, place } = assignment;
  for (const id of ids) requireNew(authority, id);
  requireFree(place, ids, authority.caPem);
  const made: Provisioned[] = [];
  for (const id of ids) made.push(await provisionOne(assignment, id));
  return made;
}

export interface Batch {
  readonly made: number;
  /** Made by an earlier run of the same command. */
  readonly already: number;
}

const filesAtOnce = 64;

/**
 * Issues to many. What an earlier run finished is skipped; what it left half done (issued, but not all files written)
 * gets a new key and certificate.
 */
export async function provisionBatch(
  assignment: Assignment,
  ids: readonly string[],
  onProgress: (count: number) => void,
): Promise<Batch> {
  const { authority, kind, group, place, options } = assignment;
  for (const id of ids) requireValid(id);
  requireFree({ ...place, force: true }, [], authority.caPem);
  const { inventory } = authority;
  const missing = ids.filter(
    (id) => place.force || !isComplete(place, id) || inventory.device(id, kind) === undefined,
  );
  const already = ids.length - missing.length;
  onProgress(already);
  writeCa(place, authority.caPem);
  const halfDone = missing.filter((id) => inventory.device(id, kind) !== undefined);
  const fresh = missing.filter((id) => inventory.device(id, kind) === undefined);
  if (halfDone.length > 0) removeUnfinished(place, halfDone);
  for (const id of halfDone) {
    await writeIssued(place, await authority.renew({ id, kind, ...keyOf(options) }));
    onProgress(1);
  }
  let waiting: Issued[] = [];
  const write = async () => {
    await Promise.all(waiting.map((issued) => writeIssued(place, issued)));
    onProgress(waiting.length);
    waiting = [];
  };
  for await (const issued of authority.issueMany({
    ids: fresh,
    kind,
    ...keyOf(options),
    ...(group && { group }),
  })) {
    waiting.push(issued);
    if (waiting.length === filesAtOnce) await write();
  }
  await write();
  return { made: missing.length, already };
}

async function provisionOne(
  { authority, kind, group, place, options }: Assignment,
  id: string,
): Promise<Provisioned> {
  const request = { id, kind, ...(group && { group }), ...validityOf(options) };
  if (options.csr !== undefined) {
    const issued = await withRequest(options.csr, (csr) => authority.issue({ ...request, csr }));
    return finish(place, authority, issued);
  }
  const privateKey = generatePrivateKey(options.key);
  // The key is on the disk before the inventory knows it: a disk that is full then spoils nothing.
  const keyFile = place.format === "pem" ? writeKey(place, id, privateKey) : undefined;
  let issued: Issued;
  try {
    issued = await authority.issue({ ...request, publicKey: createPublicKey(privateKey) });
  } catch (error) {
    if (keyFile !== undefined) rmSync(keyFile, { force: true });
    throw error;
  }
  return finish(place, authority, { ...issued, privateKey });
}

export async function finish(place: OutputPlace, authority: Authority, issued: Issued): Promise<Provisioned> {
  const files = await writeIssued(place, issued);
  const { id, kind, certificate } = issued;
  const { fingerprint, notAfter } = certificate;
  if (place.format === "pem") files.push(writeCa(place, authority.caPem));
  return { id, kind, fingerprint, notAfter: notAfter.toISOString(), files };
}

/** Issues for the request in a file, PEM text or DER bytes. What is wrong with the request is said with the file's name. */
export async function withRequest<T>(
  path: string,
  issue: (csr: string | Uint8Array) => Promise<T>,
): Promise<T> {
  const bytes = readBoundedFile(path);
  try {
    // A DER SEQUENCE begins with 0x30, a digit that no PEM file begins with.
    return await issue(bytes[0] === 0x30 ? bytes : bytes.toString("utf8"));
  } catch (error) {
    if (!(error instanceof PkiError) || !/^PKI_(?:CSR|DER|PEM|PUBLIC_KEY)_/.test(error.code)) throw error;
    throw new PkiError(error.code, `${path}: ${error.message}`, { cause: error });
  }
}

export function keyOf(options: Assignment["options"]) {
  return { keyAlgorithm: options.key, ...validityOf(options) };
}

function validityOf({ days }: Assignment["options"]) {
  return days === undefined ? {} : { validityDays: days };
}

function requireNew(authority: Authority, id: string): void {
  requireValid(id);
  const taken = authority.inventory.device(id);
  if (taken === undefined) return;
  throw new PkiError(
    "PKI_DEVICE_EXISTS",
    `${taken.kind} ${id} exists already: \`device renew\` it, or take another id`,
  );
}

function requireValid(id: string): void {
  if (isValidIdentityName(id)) return;
  // Reserved names keep the rule: with one more sign they are valid.
  if (id !== "" && isValidIdentityName(`${id}0`)) {
    const why = "programs that keep a table of ids would find something else there";
    throw new PkiError("PKI_IDENTITY_NAME", `${id} is reserved (${why}): take another id`);
  }
  const rule = "1 to 64 letters, digits, dots, dashes and underscores, the first a letter or digit";
  throw new PkiError("PKI_IDENTITY_NAME", `${JSON.stringify(id.slice(0, 80))} is no valid id: ${rule}`);
}
