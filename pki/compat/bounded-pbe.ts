import forge from "node-forge";
import { PkiError } from "../errors.ts";

declare module "node-forge" {
  namespace pki {
    /** Where every decryption under a passphrase passes by; @types/node-forge does not know it. */
    // oxlint-disable-next-line no-unused-vars -- declared for the callers below
    const pbe: { getCipher: (oid: string, parameters: asn1.Asn1, passphrase: string) => unknown };
  }
}

/** All parts of a file together: some seconds, since the old schemes run in plain JavaScript. */
const maxIterations = 3_000_000;

/**
 * Runs `open`, which must be synchronous, and stops it when the key derivations that it asks for would keep node-forge
 * busy: node-forge computes whatever count a file names, also in parts that only show once others are decrypted.
 * Throws PKI_PKCS12_UNSUPPORTED.
 */
export function withBoundedIterations<T>(open: () => T): T {
  const { pbe } = forge.pki;
  const { getCipher } = pbe;
  let left = maxIterations;
  pbe.getCipher = (oid, parameters, passphrase) => {
    left -= sumOfIntegers(parameters);
    // Not `left < 0`: a count that is no number is refused too.
    if (!(left >= 0)) {
      throw new PkiError("PKI_PKCS12_UNSUPPORTED", "the PKCS#12 file asks for too much key derivation");
    }
    return getCipher(oid, parameters, passphrase);
  };
  try {
    return open();
  } finally {
    pbe.getCipher = getCipher;
  }
}

/** The iteration count, in whatever scheme: of the other INTEGERs in the parameters none is above some hundred. */
function sumOfIntegers({ type, value }: forge.asn1.Asn1): number {
  if (Array.isArray(value)) return value.reduce((sum, child) => sum + sumOfIntegers(child), 0);
  if (type !== forge.asn1.Type.INTEGER) return 0;
  const octets: unknown = value;
  if (typeof octets !== "string" || octets.length === 0 || octets.charCodeAt(0) >= 0x80) return Number.NaN;
  return Number.parseInt(forge.util.bytesToHex(octets), 16);
}
