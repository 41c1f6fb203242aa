import { describe, expect, it } from "vitest";
import { DerReader } from "../../../pki/der/reader.ts";
import {
  type DerNode,
  encode,
  integer,
  nullValue,
  objectIdentifier,
  octetString,
  sequence,
} from "../../../pki/der/writer.ts";
import { assertQuickToDecrypt, encryptPbes2, IterationBudget, readPbes2 } from "../../../pki/pbes2.ts";
import { pkiErrorCode } from "../../support/pki-error-code.ts";

interface Parameters {
  scheme?: string;
  derivation?: string;
  iterations?: number;
  keyLength?: number;
  prf?: string;
  cipher?: string;
  iv?: Uint8Array;
}

function algorithm(p: Parameters = {}): DerNode {
  const pbkdf2 = sequence(
    octetString(new Uint8Array(16)),
    integer(p.iterations ?? 1),
    p.keyLength === undefined ? undefined : integer(p.keyLength),
    sequence(objectIdentifier(p.prf ?? "1.2.840.113549.2.9"), nullValue()),
  );
  const derivation = sequence(objectIdentifier(p.derivation ?? "1.2.840.113549.1.5.12"), pbkdf2);
  const cipher = sequence(
    objectIdentifier(p.cipher ?? "2.16.840.1.101.3.4.1.42"),
    octetString(p.iv ?? new Uint8Array(16)),
  );
  return sequence(objectIdentifier(p.scheme ?? "1.2.840.113549.1.5.13"), sequence(derivation, cipher));
}

const codeOf = (p: Parameters): string | undefined =>
  pkiErrorCode(() => readPbes2(DerReader.over(encode(algorithm(p))), new IterationBudget()));

describe("RFC 8018 §6.2: PBES2", () => {
  it("comes back, and another passphrase does not open it", () => {
    const { algorithm: written, encrypted } = encryptPbes2(Buffer.from("plain"), "open", 10);
    const decrypt = readPbes2(DerReader.over(encode(written)), new IterationBudget());
    expect(decrypt(encrypted, "open").toString()).toBe("plain");
    // One wrong passphrase in 256 leaves padding that looks right, so several are tried.
    const opened = ["a", "b", "c"].map((wrong) => pkiErrorCode(() => decrypt(encrypted, wrong)));
    expect(opened).toContain("PKI_WRONG_PASSPHRASE");
    expect(pkiErrorCode(() => decrypt(encrypted.subarray(1), "open"))).toBe("PKI_WRONG_PASSPHRASE");
  });

  it("takes the parameters that it knows", () => {
    expect(codeOf({})).toBeUndefined();
    expect(codeOf({ keyLength: 32 })).toBeUndefined();
    expect(codeOf({ iterations: 10_000_000 })).toBeUndefined();
    expect(codeOf({ prf: "1.2.840.113549.2.11", cipher: "2.16.840.1.101.3.4.1.2" })).toBeUndefined();
  });

  it("refuses an iteration count that would keep the reader busy, and none at all", () => {
    expect(codeOf({ iterations: 10_000_001 })).toBe("PKI_PKCS12_UNSUPPORTED");
    expect(codeOf({ iterations: 0 })).toBe("PKI_PKCS12_UNSUPPORTED");
  });

  it("the counts of all parts of a file add up to the bound", () => {
    const budget = new IterationBudget();
    const read = (iterations: number): unknown =>
      readPbes2(DerReader.over(encode(algorithm({ iterations }))), budget);
    read(6_000_000);
    expect(pkiErrorCode(() => read(6_000_000))).toBe("PKI_PKCS12_UNSUPPORTED");
    expect(pkiErrorCode(() => read(4_000_000))).toBeUndefined();
  });

  it("refuses other schemes, derivations, hashes and ciphers, and wrong lengths", () => {
    expect(codeOf({ scheme: "1.2.840.113549.1.12.1.3" })).toBe("PKI_PKCS12_UNSUPPORTED");
    expect(codeOf({ derivation: "1.3.6.1.4.1.11591.4.11" })).toBe("PKI_PKCS12_UNSUPPORTED");
    expect(codeOf({ prf: "1.2.3" })).toBe("PKI_PKCS12_UNSUPPORTED");
    expect(codeOf({ cipher: "1.2.840.113549.3.7" })).toBe("PKI_PKCS12_UNSUPPORTED");
    expect(codeOf({ keyLength: 16 })).toBe("PKI_PKCS12_MALFORMED");
    expect(codeOf({ iv: new Uint8Array(8) })).toBe("PKI_PKCS12_MALFORMED");
  });
});

describe("RFC 5208 §6: an encrypted key for node:crypto", () => {
  const scrypt = (...costs: number[]): DerNode =>
    sequence(
      objectIdentifier("1.2.840.113549.1.5.13"),
      sequence(
        sequence(
          objectIdentifier("1.3.6.1.4.1.11591.4.11"),
          sequence(octetString(new Uint8Array(8)), ...costs.map(integer)),
        ),
      ),
    );
  const pbes1 = (count: number): DerNode =>
    sequence(
      objectIdentifier("1.2.840.113549.1.12.1.3"),
      sequence(octetString(new Uint8Array(8)), integer(count)),
    );
  const codeOfKey = (encryption: DerNode): string | undefined =>
    pkiErrorCode(() => {
      assertQuickToDecrypt(encode(sequence(encryption, octetString(new Uint8Array(16)))));
    });

  it("may ask for what programs write", () => {
    expect(codeOfKey(algorithm({ iterations: 600_000 }))).toBeUndefined();
    expect(codeOfKey(pbes1(2048))).toBeUndefined();
    expect(codeOfKey(scrypt(16_384, 8, 1))).toBeUndefined();
  });

  it("may not ask for minutes of work, in any of the ways", () => {
    expect(codeOfKey(algorithm({ iterations: 2 ** 31 - 1 }))).toBe("PKI_PKCS12_UNSUPPORTED");
    expect(codeOfKey(pbes1(2 ** 31 - 1))).toBe("PKI_PKCS12_UNSUPPORTED");
    expect(codeOfKey(scrypt(131_072, 1, 131_072))).toBe("PKI_PKCS12_UNSUPPORTED");
    expect(codeOfKey(scrypt(1024, 131_072, 1))).toBe("PKI_PKCS12_UNSUPPORTED");
  });
});
