import { DtlsError } from "../errors.ts";

/** Options that are known elsewhere, and what stands for them here. */
const hints: Readonly<Record<string, string>> = {
  rejectUnauthorized: "peers are always verified; dangerouslyAcceptAnyPeer turns that off, for experiments",
  requestCert: "clients must show a certificate; dangerouslyAllowAnonymousClients lets them do without",
  isServer: "a context serves both sides",
  ecdhCurve: "it is called groups here",
  sigalgs: "it is called signatureSchemes here",
  ALPNProtocols: "it is called alpn here",
  SNICallback: "it is called sni here",
  pskCallback: "it is called psk here",
  checkServerIdentity: "verifyPeer is told the server's name",
  crl: "revocation is for verifyPeer, and for endpoint.recheck()",
  honorCipherOrder: "the server's order always counts",
};

export function invalid(message: string): DtlsError {
  return new DtlsError("DTLS_OPTIONS_INVALID", message);
}

/** @throws DtlsError DTLS_OPTIONS_INVALID: an option that is misspelt must not be one that is left out */
export function assertKnown(options: object, known: ReadonlySet<string>, what: string): void {
  if (typeof options !== "object" || options === null) throw invalid(`${what} needs an object of options`);
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue;
    const turnedOff = (name === "rejectUnauthorized" || name === "requestCert") && value !== true;
    if (known.has(name) && !turnedOff) continue;
    const hint = hints[name];
    throw invalid(`${name} is not an option of ${what}${hint === undefined ? "" : `: ${hint}`}`);
  }
}

export function wholeNumber(name: string, value: unknown, [min, max]: readonly [number, number]): number {
  if (typeof value === "number" && Number.isInteger(value) && value >= min && value <= max) return value;
  throw invalid(`${name} must be a whole number from ${min} to ${max}, not ${String(value)}`);
}

export function flag(name: string, value: unknown): boolean {
  if (typeof value === "boolean") return value;
  throw invalid(`${name} must be true or false, not ${String(value)}`);
}

/** Names of a table of RFC numbers, in the order given. */
export function namedValues<T extends number>(
  name: string,
  values: readonly string[],
  table: Readonly<Record<string, T>>,
): readonly T[] {
  if (!Array.isArray(values) || values.length === 0)
    throw invalid(`${name} must be a list of names, not empty`);
  return values.map((value) => {
    const number = Object.hasOwn(table, value) ? table[value] : undefined;
    if (number === undefined) {
      throw invalid(`${name}: "${value}" is not one of ${Object.keys(table).join(", ")}`);
    }
    return number;
  });
}
