import { spawnSync } from "node:child_process";
import { createPrivateKey, sign, verify } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DerReader } from "../../../pki/der/reader.ts";
import { encode, integer, objectIdentifier, octetString, sequence } from "../../../pki/der/writer.ts";
import {
  assertAcceptablePublicKey,
  decodePem,
  decodePrivateKey,
  encodePem,
  encodePrivateKey,
  exportPublicKey,
  generatePrivateKey,
  importPublicKey,
  KeySigner,
  keyAlgorithms,
  readPrivateKeyFile,
  spkiPin,
  writeFileAtomic,
  writePrivateKeyFile,
} from "../../../pki/index.ts";
import { pkiErrorCode } from "../../support/pki-error-code.ts";

const isWindows = process.platform === "win32";
/** Windows has no such bits. */
const ownerBits = isWindows ? 0 : 0o777;
const isRoot = process.getuid?.() === 0;
const key = generatePrivateKey("p256");
let directory = "";
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "sallyport-keys-"));
});
afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

describe("private key files", () => {
  it("come back as they were written, with mode 0600 whatever the umask", () => {
    const path = join(directory, "a.key.pem");
    const umask = process.umask(0);
    try {
      writePrivateKeyFile(path, key);
    } finally {
      process.umask(umask);
    }
    expect(readPrivateKeyFile(path).equals(key)).toBe(true);
    expect(statSync(path).mode & ownerBits).toBe(ownerBits & 0o600);
  });

  it.skipIf(isWindows).each([0o640, 0o604, 0o620, 0o666, 0o601])("mode %o is refused", (mode) => {
    const path = join(directory, "a.key.pem");
    writePrivateKeyFile(path, key);
    chmodSync(path, mode);
    expect(pkiErrorCode(() => readPrivateKeyFile(path))).toBe("PKI_KEY_PERMISSIONS");
  });

  it.skipIf(isWindows)("a symbolic link does not hide the permissions of what it leads to", () => {
    const path = join(directory, "a.key.pem");
    writePrivateKeyFile(path, key);
    chmodSync(path, 0o644);
    symlinkSync(path, join(directory, "link"));
    expect(pkiErrorCode(() => readPrivateKeyFile(join(directory, "link")))).toBe("PKI_KEY_PERMISSIONS");
  });

  it("what is no key says so, and shows nothing of what is in it", () => {
    const path = join(directory, "a.key.pem");
    expect(pkiErrorCode(() => readPrivateKeyFile(path))).toBe("PKI_KEY_FILE");
    mkdirSync(join(directory, "d"));
    expect(pkiErrorCode(() => readPrivateKeyFile(join(directory, "d")))).toBe("PKI_KEY_FILE");
    writeFileSync(path, `${encodePrivateKey(key)}${"\n".repeat(1024 * 1024)}`, { mode: 0o600 });
    expect(() => readPrivateKeyFile(path)).toThrow(/too large/);
    writeFileSync(path, "secret-looking text", { mode: 0o600 });
    expect(() => readPrivateKeyFile(path)).toThrow(/holds no private key/);
    expect(inspect(caught(() => readPrivateKeyFile(path)))).not.toContain("secret-looking");
  });

  it.skipIf(isWindows)("a FIFO is refused at once, though nobody writes to it, and so are devices", () => {
    const path = join(directory, "fifo");
    spawnSync("mkfifo", ["-m", "600", path]);
    // A process of its own: an open that waits would hold up this one for ever.
    const script = `
      import { readPrivateKeyFile } from ${JSON.stringify(import.meta.resolve("../../../pki/index.ts"))};
      try { readPrivateKeyFile(process.argv[1]); } catch (error) { process.stdout.write(error.code); }`;
    const { stdout } = spawnSync(process.execPath, ["--input-type=module", "-e", script, path], {
      encoding: "utf8",
      timeout: 10_000,
    });
    expect(stdout).toBe("PKI_KEY_FILE");
    expect(pkiErrorCode(() => readPrivateKeyFile("/dev/zero"))).toBe("PKI_KEY_FILE");
  });

  it.skipIf(process.platform !== "linux")(
    "a file that opens and cannot be read is an error of its own",
    () => {
      expect(pkiErrorCode(() => readPrivateKeyFile("/proc/self/mem"))).toBe("PKI_KEY_FILE");
    },
  );

  it("a passphrase is asked for, and a wrong one is named", () => {
    const path = join(directory, "a.key.pem");
    writePrivateKeyFile(path, key, { passphrase: "geheim ü" });
    expect(readFileSync(path, "utf8")).toContain("BEGIN ENCRYPTED PRIVATE KEY");
    expect(pkiErrorCode(() => readPrivateKeyFile(path))).toBe("PKI_PASSPHRASE_REQUIRED");
    expect(pkiErrorCode(() => readPrivateKeyFile(path, { passphrase: "wrong" }))).toBe(
      "PKI_WRONG_PASSPHRASE",
    );
    expect(readPrivateKeyFile(path, { passphrase: "geheim ü" }).equals(key)).toBe(true);
    expect(() => {
      writePrivateKeyFile(path, key, { passphrase: "" });
    }).toThrow(RangeError);
  });
});

describe("RFC 5208 §6: encrypted PKCS#8", () => {
  it("a key that asks for hours of key derivation is refused at once", () => {
    const pbkdf2 = sequence(octetString(new Uint8Array(16)), integer(2 ** 31 - 1));
    const parameters = sequence(
      sequence(objectIdentifier("1.2.840.113549.1.5.12"), pbkdf2),
      sequence(objectIdentifier("2.16.840.1.101.3.4.1.42"), octetString(new Uint8Array(16))),
    );
    const algorithm = sequence(objectIdentifier("1.2.840.113549.1.5.13"), parameters);
    const der = encode(sequence(algorithm, octetString(new Uint8Array(160))));
    const open = (): unknown =>
      decodePrivateKey(encodePem("ENCRYPTED PRIVATE KEY", der), { passphrase: "open" });
    expect(open).toThrow(/2147483647 iterations/);
    expect(pkiErrorCode(open)).toBe("PKI_KEY_FILE");
  });

  it("uses PBES2 with PBKDF2-HMAC-SHA256 of at least 600 000 iterations, a salt of 16 octets, and AES-256-CBC", () => {
    const [block] = decodePem(encodePrivateKey(key, { passphrase: "open" }), "ENCRYPTED PRIVATE KEY");
    const info = DerReader.over(block?.der ?? new Uint8Array(0)).sequence("EncryptedPrivateKeyInfo");
    const algorithm = info.sequence("algorithm");
    expect(algorithm.objectIdentifier("PBES2")).toBe("1.2.840.113549.1.5.13");
    const parameters = algorithm.sequence("PBES2-params");
    const derivation = parameters.sequence("keyDerivationFunc");
    expect(derivation.objectIdentifier("PBKDF2")).toBe("1.2.840.113549.1.5.12");
    const pbkdf2 = derivation.sequence("PBKDF2-params");
    expect(pbkdf2.octetString("salt")).toHaveLength(16);
    expect(pbkdf2.smallInteger("iterationCount")).toBeGreaterThanOrEqual(600_000);
    expect(pbkdf2.sequence("prf").objectIdentifier("prf")).toBe("1.2.840.113549.2.9");
    expect(parameters.sequence("encryptionScheme").objectIdentifier("cipher")).toBe(
      "2.16.840.1.101.3.4.1.42",
    );
  });

  it.each(keyAlgorithms)("a %s key opens in node:crypto", (algorithm) => {
    const made = generatePrivateKey(algorithm);
    const pem = encodePrivateKey(made, { passphrase: "open" });
    expect(createPrivateKey({ key: pem, passphrase: "open" }).equals(made)).toBe(true);
    expect(pem).not.toBe(encodePrivateKey(made, { passphrase: "open" }));
  });
});

describe("writeFileAtomic", () => {
  it("replaces the file, and leaves no other one behind", () => {
    const path = join(directory, "f");
    writeFileAtomic(path, "old", 0o644);
    writeFileAtomic(path, Uint8Array.of(110, 101, 119), 0o600);
    expect(readFileSync(path, "utf8")).toBe("new");
    expect(readdirSync(directory)).toEqual(["f"]);
    expect(statSync(path).mode & ownerBits).toBe(ownerBits & 0o600);
  });

  it("gives the mode that was asked for under a strict umask", () => {
    const umask = process.umask(0o077);
    try {
      writeFileAtomic(join(directory, "f"), "x", 0o644);
    } finally {
      process.umask(umask);
    }
    expect(statSync(join(directory, "f")).mode & ownerBits).toBe(ownerBits & 0o644);
  });

  it("a failure leaves the old file and nothing else", () => {
    mkdirSync(join(directory, "taken"));
    writeFileSync(join(directory, "taken", "x"), "");
    expect(() => {
      writeFileAtomic(join(directory, "taken"), "new", 0o600);
    }).toThrow(/EISDIR|ENOTEMPTY|EPERM/);
    expect(readdirSync(directory)).toEqual(["taken"]);
    expect(() => {
      writeFileAtomic(join(directory, "none", "f"), "new", 0o600);
    }).toThrow(/ENOENT/);
  });

  it.skipIf(isWindows || isRoot)("a directory that cannot be written to stays as it is", () => {
    chmodSync(directory, 0o500);
    expect(() => {
      writeFileAtomic(join(directory, "f"), "new", 0o600);
    }).toThrow(/EACCES/);
    expect(existsSync(join(directory, "f"))).toBe(false);
    chmodSync(directory, 0o700);
  });
});

describe("KeySigner", () => {
  it.each(keyAlgorithms)("%s: signs what node:crypto verifies, and exports for TLS", async (algorithm) => {
    const made = generatePrivateKey(algorithm);
    const signer = new KeySigner(made);
    const digest = {
      p256: "sha256",
      p384: "sha384",
      "rsa:2048": "sha256",
      "rsa:3072": "sha256",
      "rsa:4096": "sha256",
    };
    const name = Object.entries(digest).find(([a]) => a === algorithm)?.[1] ?? null;
    const bytes = Buffer.from("to be signed");
    expect(verify(name, bytes, signer.publicKey, await signer.sign(bytes))).toBe(true);
    expect(createPrivateKey(signer.exportForTls()).equals(made)).toBe(true);
  });

  it("does not show its key", () => {
    const signer = new KeySigner(key);
    const secret = key.export({ format: "jwk" }).d ?? "";
    expect(inspect(signer, { showHidden: true, depth: 9 })).not.toContain(secret);
    expect(JSON.stringify(signer)).not.toContain(secret);
    expect(Object.keys(signer)).toEqual(["publicKey"]);
  });

  it("takes no key that cannot sign a certificate", () => {
    const x25519 = createPrivateKey({
      key: Buffer.from(`302e020100300506032b656e04220420${"77".repeat(32)}`, "hex"),
      format: "der",
      type: "pkcs8",
    });
    expect(pkiErrorCode(() => new KeySigner(x25519))).toBe("PKI_ALGORITHM_UNSUPPORTED");
  });
});

describe("public keys", () => {
  it.each(keyAlgorithms)("%s: the encoding is what OpenSSL writes, and reads back", (algorithm) => {
    const { publicKey } = new KeySigner(generatePrivateKey(algorithm));
    const der = exportPublicKey(publicKey);
    expect(Buffer.compare(der, publicKey.export({ type: "spki", format: "der" }))).toBe(0);
    expect(importPublicKey(der).equals(publicKey)).toBe(true);
    expect(spkiPin(publicKey)).toBe(spkiPin(der));
    expect(spkiPin(publicKey)).toMatch(/^sha256\/[A-Za-z0-9+/]{43}=$/);
  });

  it("bytes that change after the import do not change the key's encoding", () => {
    const der = Uint8Array.from(exportPublicKey(new KeySigner(key).publicKey));
    const imported = importPublicKey(der);
    der.fill(0);
    expect(imported.equals(new KeySigner(key).publicKey)).toBe(true);
    expect(spkiPin(imported)).toBe(spkiPin(new KeySigner(key).publicKey));
  });

  it("weak and foreign keys get no certificate", () => {
    const rsa1024 = importPublicKey(RSA_1024);
    expect(
      pkiErrorCode(() => {
        assertAcceptablePublicKey(rsa1024);
      }),
    ).toBe("PKI_PUBLIC_KEY_WEAK");
    const secp256k1 = importPublicKey(SECP256K1);
    expect(
      pkiErrorCode(() => {
        assertAcceptablePublicKey(secp256k1);
      }),
    ).toBe("PKI_PUBLIC_KEY_WEAK");
  });

  it("the signature of one key is not another's", () => {
    expect(
      verify(
        "sha256",
        Buffer.of(1),
        new KeySigner(generatePrivateKey("p256")).publicKey,
        sign("sha256", Buffer.of(1), key),
      ),
    ).toBe(false);
  });
});

/** A modulus of 1024 bits; nobody knows its factors. */
const RSA_1024 = Buffer.from(
  `30819f300d06092a864886f70d010101050003818d0030818902818100${"c1".repeat(128)}0203010001`,
  "hex",
);
/** The generator of secp256k1. */
const SECP256K1 = Buffer.from(
  "3056301006072a8648ce3d020106052b8104000a0342000479be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8",
  "hex",
);

function caught(action: () => unknown): unknown {
  try {
    return action();
  } catch (error) {
    return error;
  }
}
