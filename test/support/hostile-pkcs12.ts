import {
  type DerNode,
  encode,
  encoded,
  explicit,
  implicit,
  integer,
  nullValue,
  objectIdentifier,
  octetString,
  sequence,
} from "../../pki/der/writer.ts";
import { macDigests, pkcs12Mac } from "../../pki/pkcs12/mac.ts";

const SHA256 = "2.16.840.1.101.3.4.2.1";
const DATA = "1.2.840.113549.1.7.1";

/** A PKCS#12 file with a right MAC (or none) around a part whose decryption asks for `iterations`. */
export function hostilePkcs12(passphrase: string, iterations: number, hasMac = true): Uint8Array {
  const pbkdf2 = sequence(
    objectIdentifier("1.2.840.113549.1.5.12"),
    sequence(
      octetString(new Uint8Array(16)),
      integer(iterations),
      sequence(objectIdentifier("1.2.840.113549.2.9"), nullValue()),
    ),
  );
  const aes = sequence(objectIdentifier("2.16.840.1.101.3.4.1.42"), octetString(new Uint8Array(16)));
  const pbes2 = sequence(objectIdentifier("1.2.840.113549.1.5.13"), sequence(pbkdf2, aes));
  const encryptedInfo = sequence(objectIdentifier(DATA), pbes2, implicit(0, octetString(new Uint8Array(32))));
  const encryptedData = explicit(0, sequence(integer(0), encryptedInfo));
  const encryptedPart = sequence(objectIdentifier("1.2.840.113549.1.7.6"), encryptedData);
  return pkcs12Of(encryptedPart, passphrase, hasMac);
}

/** A PKCS#12 file with these keys (PKCS#8 DER), not encrypted. */
export function pkcs12OfKeys(passphrase: string, ...keys: readonly Uint8Array[]): Uint8Array {
  const bags = keys.map((key) =>
    sequence(objectIdentifier("1.2.840.113549.1.12.10.1.1"), explicit(0, encoded(key))),
  );
  const part = sequence(objectIdentifier(DATA), explicit(0, octetString(sequence(...bags))));
  return pkcs12Of(part, passphrase, true);
}

function pkcs12Of(contentInfo: DerNode, passphrase: string, hasMac: boolean): Uint8Array {
  const safe = encode(sequence(contentInfo));
  const authSafe = sequence(objectIdentifier(DATA), explicit(0, octetString(safe)));
  const digest = macDigests.get(SHA256);
  if (digest === undefined) throw new Error("SHA-256 is in the table");
  const salt = new Uint8Array(8);
  const mac = octetString(pkcs12Mac(digest, passphrase, salt, 1, safe));
  const macData = sequence(sequence(sequence(objectIdentifier(SHA256), nullValue()), mac), octetString(salt));
  return encode(sequence(integer(3), authSafe, hasMac ? macData : undefined));
}
