import { createPrivateKey, type KeyObject, verify } from "node:crypto";
import fs, {
  chmodSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import {
  connect,
  DeviceError,
  type DeviceIdentity,
  type IdentityFiles,
  identityFromSigner,
  loadIdentity,
  openSession,
  replaceIdentityFiles,
} from "../../../device-client/index.ts";
import { SignatureScheme } from "../../../dtls/index.ts";
import { generatePrivateKey, type Signer, writePrivateKeyFile } from "../../../pki/index.ts";
import {
  deviceRecipe,
  gatewayRecipe,
  type Minted,
  type MintedPki,
  mint,
  mintPki,
} from "../../support/minted-pki.ts";

const day = 24 * 60 * 60 * 1000;

let pki: MintedPki;
let renewed: Minted;
let folder: string;
let files: IdentityFiles;

beforeAll(async () => {
  pki = await mintPki();
  renewed = await mint(deviceRecipe(pki.issuing));
});

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "device-identity-"));
  files = {
    key: join(folder, "d1.key.pem"),
    certificate: join(folder, "d1.cert.pem"),
    ca: join(folder, "ca.pem"),
  };
  write(pki.device);
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("loadIdentity", () => {
  test("the id is the one in subjectAltName, the chain goes along, the key stays out of logs", () => {
    const identity = loadIdentity(files);
    expect([identity.kind, identity.trustDomain, identity.id]).toEqual([
      "device",
      "sallyport.internal",
      "d1",
    ]);
    expect(identity.certificateChain.match(/BEGIN CERTIFICATE/g)).toHaveLength(2);
    expect(identity.anchors).toHaveLength(1);
    expect(inspect(identity, { depth: 9, showHidden: true })).not.toMatch(/PRIVATE KEY/);
    expect(JSON.stringify(identity)).not.toMatch(/PRIVATE KEY/);
  });

  test("a key that others may read is refused", () => {
    chmodSync(files.key, 0o640);
    const error = refusal(() => loadIdentity(files));
    expect([error.code, codeOf(error.cause)]).toEqual(["DEVICE_IDENTITY_UNREADABLE", "PKI_KEY_PERMISSIONS"]);
  });

  test("an encrypted key needs its passphrase", () => {
    writePrivateKeyFile(files.key, keyOf(pki.device), { passphrase: "correct horse" });
    expect(codeOf(refusal(() => loadIdentity(files)).cause)).toBe("PKI_PASSPHRASE_REQUIRED");
    expect(codeOf(refusal(() => loadIdentity(files, { passphrase: "wrong" })).cause)).toBe(
      "PKI_WRONG_PASSPHRASE",
    );
    expect(loadIdentity(files, { passphrase: "correct horse" }).id).toBe("d1");
  });

  test("a key of another certificate is refused", () => {
    writePrivateKeyFile(files.key, generatePrivateKey("p256"));
    expect(refusal(() => loadIdentity(files)).code).toBe("DEVICE_IDENTITY_KEY_MISMATCH");
  });

  test("an expired certificate, and one that is not yet valid, say so", () => {
    expect(refusal(() => loadIdentity(files, at(31))).code).toBe("DEVICE_IDENTITY_EXPIRED");
    expect(refusal(() => loadIdentity(files, at(-2))).code).toBe("DEVICE_IDENTITY_NOT_YET_VALID");
  });

  test("a certificate that names no device is refused: the common name is not read", async () => {
    write(await mint(gatewayRecipe(pki.issuing, { commonName: "d1" })));
    expect(refusal(() => loadIdentity(files)).code).toBe("DEVICE_IDENTITY_MALFORMED");
  });

  test.each(["key", "certificate", "ca"] as const)("%s missing, empty or not PEM", (which) => {
    rmSync(files[which]);
    expect(refusal(() => loadIdentity(files)).code).toBe("DEVICE_IDENTITY_UNREADABLE");
    for (const text of ["", "hello", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]) {
      writeFileSync(files[which], text, { mode: 0o600 });
      expect(refusal(() => loadIdentity(files)).code).toMatch(/DEVICE_IDENTITY_(UNREADABLE|KEY_MISMATCH)/);
    }
  });
});

describe("identityFromSigner", () => {
  test("a KeySigner works", () => {
    const parts = { certificate: pki.device.pem, ca: pki.root.pem };
    expect(identityFromSigner(pki.device.signer, parts).id).toBe("d1");
  });

  describe("a signer that keeps its key", () => {
    const parts = () => ({ certificate: pki.device.pem + pki.issuing.pem, ca: pki.root.pem });
    const token = (): Signer => ({
      publicKey: pki.device.signer.publicKey,
      sign: (bytes) => pki.device.signer.sign(bytes),
    });

    test("is an identity, and DTLS can use it: the chain and the signer are what it shows", async () => {
      const identity = identityFromSigner(token(), parts());
      const { certificateType, chain, signer } = identity.dtlsCredential();
      expect(certificateType).toBe("X509");
      expect(chain).toEqual([pki.device.certificate.der, pki.issuing.certificate.der]);
      const bytes = Buffer.from("to be signed");
      const signature = await signer.sign(bytes, SignatureScheme.ecdsa_secp256r1_sha256);
      expect(verify("sha256", bytes, pki.device.signer.publicKey, signature)).toBe(true);
    });

    test("is refused for MQTT before anything is dialled, and the message says why", async () => {
      const options = { identity: identityFromSigner(token(), parts()), gateway: "127.0.0.1:1" };
      const error = refusal(() => openSession(options));
      expect(error.code).toBe("DEVICE_SIGNER_UNSUPPORTED");
      expect(error.message).toMatch(/node:tls/);
      await expect(connect(options)).rejects.toMatchObject({ code: "DEVICE_SIGNER_UNSUPPORTED" });
    });

    test("is not written to disk", () => {
      const identity = identityFromSigner(token(), parts());
      expect(refusal(() => identity.exportPrivateKey()).code).toBe("DEVICE_SIGNER_UNSUPPORTED");
    });

    test("must still belong to the certificate", () => {
      const other: Signer = { ...token(), publicKey: pki.gateway.signer.publicKey };
      expect(refusal(() => identityFromSigner(other, parts())).code).toBe("DEVICE_IDENTITY_KEY_MISMATCH");
    });
  });
});

describe("replaceIdentityFiles", () => {
  test("key and certificate change together, the key stays 0600, nothing is left over", () => {
    replaceIdentityFiles(files, identityOf(renewed));
    expect(fingerprint()).toBe(renewed.certificate.fingerprint);
    expect(statSync(files.key).mode & 0o777).toBe(0o600);
    expect([existsSync(`${files.key}.next`), existsSync(`${files.certificate}.next`)]).toEqual([
      false,
      false,
    ]);
  });

  test("the key on disk stays encrypted", () => {
    writePrivateKeyFile(files.key, keyOf(pki.device), { passphrase: "correct horse" });
    replaceIdentityFiles(files, identityOf(renewed), { passphrase: "correct horse" });
    expect(readFileSync(files.key, "utf8")).toMatch(/ENCRYPTED PRIVATE KEY/);
    expect(loadIdentity(files, { passphrase: "correct horse" }).certificate.fingerprint).toBe(
      renewed.certificate.fingerprint,
    );
  });

  test("an expired identity may be replaced", async () => {
    const old = { notBefore: new Date(Date.now() - 9 * day), notAfter: new Date(Date.now() - day) };
    write(await mint(deviceRecipe(pki.issuing, "d1", old)));
    replaceIdentityFiles(files, identityOf(renewed));
    expect(fingerprint()).toBe(renewed.certificate.fingerprint);
  });

  test("another device's identity is refused and changes nothing", async () => {
    const other = await mint(deviceRecipe(pki.issuing, "d2"));
    expect(refusal(() => replaceIdentityFiles(files, identityOf(other))).code).toBe(
      "DEVICE_IDENTITY_OTHER_DEVICE",
    );
    expect(fingerprint()).toBe(pki.device.certificate.fingerprint);
  });

  // Every step that can be seen from outside is a rename: of the two new files from their temporary names, then of
  // the key (the commit), then of the certificate. A crash falls before or after one of the four.
  const crashes = [1, 2, 3, 4].flatMap((rename) => [
    { rename, side: "before", usable: rename <= 3 ? "old" : "new" } as const,
    { rename, side: "after", usable: rename <= 2 ? "old" : "new" } as const,
  ]);

  test.each(crashes)(
    "a crash $side rename $rename leaves the $usable identity",
    ({ rename, side, usable }) => {
      crashAt(rename, side);
      const survivor = usable === "old" ? pki.device : renewed;
      expect(fingerprint()).toBe(survivor.certificate.fingerprint);
      // What loadIdentity finished is finished for every other reader of the two files too.
      expect(readFileSync(files.certificate, "utf8").startsWith(survivor.pem)).toBe(true);
    },
  );

  test.each(crashes)(
    "after a crash $side rename $rename the next replacement works",
    async ({ rename, side }) => {
      crashAt(rename, side);
      const third = await mint(deviceRecipe(pki.issuing));
      replaceIdentityFiles(files, identityOf(third));
      expect(fingerprint()).toBe(third.certificate.fingerprint);
    },
  );

  test("on a disk that cannot be written to, an unfinished replacement is finished in memory", () => {
    crashAt(4, "before");
    const denied = Object.assign(new Error("read-only file system"), { code: "EROFS" });
    const found = withRename(() => {
      throw denied;
    }, fingerprint);
    expect(found).toBe(renewed.certificate.fingerprint);
  });
});

/** Replaces `pki.device` by `renewed`, and dies at one rename. */
function crashAt(rename: number, side: "before" | "after"): void {
  let count = 0;
  const crash = new Error("power cut");
  const real = fs.renameSync;
  const dying: typeof real = (from, to) => {
    count += 1;
    if (count < rename) return real(from, to);
    if (count === rename && side === "after") real(from, to);
    throw crash;
  };
  expect(() => withRename(dying, () => replaceIdentityFiles(files, identityOf(renewed)))).toThrow(crash);
}

function withRename<T>(rename: typeof fs.renameSync, action: () => T): T {
  const real = fs.renameSync;
  fs.renameSync = rename;
  syncBuiltinESMExports();
  try {
    return action();
  } finally {
    fs.renameSync = real;
    syncBuiltinESMExports();
  }
}

function write(minted: Minted): void {
  writePrivateKeyFile(files.key, keyOf(minted));
  writeFileSync(files.certificate, minted.pem + pki.issuing.pem);
  writeFileSync(files.ca, pki.root.pem);
}

function identityOf(minted: Minted): DeviceIdentity {
  return identityFromSigner(minted.signer, { certificate: minted.pem + pki.issuing.pem, ca: pki.root.pem });
}

function fingerprint(): string {
  return loadIdentity(files).certificate.fingerprint;
}

function at(days: number) {
  return { now: () => new Date(Date.now() + days * day) };
}

function keyOf(minted: Minted): KeyObject {
  return createPrivateKey(minted.signer.exportForTls());
}

function refusal(action: () => unknown): DeviceError {
  try {
    action();
  } catch (error) {
    if (error instanceof DeviceError) return error;
    throw error;
  }
  throw new Error("accepted");
}

function codeOf(cause: unknown): string {
  return cause instanceof Error && "code" in cause ? String(cause.code) : String(cause);
}
