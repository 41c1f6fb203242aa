import { createPublicKey, type KeyObject } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { importAuthority, openAuthority, writeLegacyPkcs12 } from "../../../../pki/authority/index.ts";
import {
  type Certificate,
  encodePkcs12,
  exportPublicKey,
  generatePrivateKey,
  KeySigner,
  type KeyUsage,
  makeExtension,
  Name,
  parseCertificate,
  parseCertificates,
  randomSerialNumber,
  signCertificate,
  validatePath,
} from "../../../../pki/index.ts";

let directory: string;
const rootKey = generatePrivateKey("rsa:2048");
const subKey = generatePrivateKey("rsa:2048");

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "sallyport-import-"));
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

interface CaRecipe {
  readonly key?: KeyObject;
  readonly issuer?: { readonly certificate: Certificate; readonly key: KeyObject };
  readonly ca?: boolean;
  readonly pathLenConstraint?: number;
  readonly keyUsage?: readonly KeyUsage[];
  readonly notAfter?: Date;
  readonly constrained?: boolean;
}

async function makeCa(cn: string, recipe: CaRecipe = {}): Promise<Certificate> {
  const key = recipe.key ?? rootKey;
  const subject = Name.of({ O: "Old Plant", CN: cn });
  const { pathLenConstraint } = recipe;
  const der = await signCertificate(
    {
      serialNumber: randomSerialNumber(),
      issuer: recipe.issuer?.certificate.subject ?? subject,
      subject,
      notBefore: new Date("2020-01-01T00:00:00Z"),
      notAfter: recipe.notAfter ?? new Date("2040-01-01T00:00:00Z"),
      subjectPublicKeyInfo: exportPublicKey(createPublicKey(key)),
      extensions: [
        makeExtension.basicConstraints({
          ca: recipe.ca ?? true,
          ...(pathLenConstraint === undefined ? {} : { pathLenConstraint }),
        }),
        makeExtension.keyUsage(...(recipe.keyUsage ?? ["keyCertSign", "cRLSign"])),
        makeExtension.subjectKeyIdentifier(Uint8Array.of(1, 2, 3)),
        ...(recipe.constrained === true
          ? [
              makeExtension.nameConstraints({
                permittedSubtrees: [{ type: "dNSName", value: "example" }],
                excludedSubtrees: [],
              }),
            ]
          : []),
      ],
    },
    new KeySigner(recipe.issuer?.key ?? key),
  );
  return parseCertificate(der);
}

function file(privateKey: KeyObject, ...certificates: Certificate[]): Uint8Array {
  return writeLegacyPkcs12({
    privateKey,
    certificates: certificates.map(({ der }) => der),
    passphrase: "old",
  });
}

function load(pkcs12: Uint8Array, pkcs12Passphrase = "old") {
  return importAuthority(directory, { pkcs12, pkcs12Passphrase, rootPassphrase: "new" });
}

function refused(code: string, message = /./) {
  return expect.objectContaining({ name: "PkiError", code, message: expect.stringMatching(message) });
}

async function expectToIssue(): Promise<Certificate[]> {
  using authority = openAuthority(directory);
  const { chainPem, caPem } = await authority.issue({ id: "pump-1" });
  const chain = parseCertificates(chainPem);
  const anchors = parseCertificates(caPem);
  validatePath({ chain, anchors, purpose: "clientAuth", now: new Date() });
  const gateway = parseCertificates(readFileSync(join(directory, "gateway.cert.pem"), "utf8"));
  validatePath({ chain: gateway, anchors, purpose: "serverAuth", now: new Date(), serverName: "localhost" });
  await authority.revoke({ id: "pump-1" });
  return chain;
}

describe("importing an RSA CA", () => {
  test("a self-signed one becomes the root of a new issuing CA, its key encrypted under the new passphrase", async () => {
    const root = await makeCa("Old Root");
    const made = await load(file(rootKey, root));
    expect(made.root.fingerprint).toBe(root.fingerprint);
    expect(made.issuing.issuer.toString()).toBe(root.subject.toString());
    expect(made.wroteRootKey).toBe(true);
    expect(readFileSync(join(directory, "root.key.pem"), "utf8")).toContain("ENCRYPTED");
    expect(await expectToIssue()).toHaveLength(2);
    using authority = openAuthority(directory);
    await authority.renewIssuing("new");
  });

  test("a self-signed one with pathLen 0 issues by itself", async () => {
    const root = await makeCa("Old Root", { pathLenConstraint: 0 });
    const made = await load(file(rootKey, root));
    expect(made.issuing.fingerprint).toBe(root.fingerprint);
    expect(existsSync(join(directory, "root.key.pem"))).toBe(false);
    expect(await expectToIssue()).toHaveLength(1);
  });

  test("a subordinate one issues by itself, under the root of the same file; new PKCS#12 files are read too", async () => {
    const root = await makeCa("Old Root");
    const sub = await makeCa("Old Issuing", { key: subKey, issuer: { certificate: root, key: rootKey } });
    const made = await load(
      encodePkcs12({ privateKey: subKey, certificates: [sub, root], passphrase: "old", iterations: 2048 }),
    );
    expect(made.root.fingerprint).toBe(root.fingerprint);
    expect(made.issuing.fingerprint).toBe(sub.fingerprint);
    expect(made.wroteRootKey).toBe(false);
    expect(await expectToIssue()).toHaveLength(2);
  });

  test("a subordinate one whose root is not in the file is refused", async () => {
    const root = await makeCa("Old Root");
    const sub = await makeCa("Old Issuing", { key: subKey, issuer: { certificate: root, key: rootKey } });
    await expect(load(file(subKey, sub))).rejects.toThrow(refused("PKI_IMPORT_REFUSED", /whole chain/));
    const impostor = await makeCa("Old Root", { key: generatePrivateKey("rsa:2048") });
    await expect(load(file(subKey, sub, impostor))).rejects.toThrow(
      refused("PKI_IMPORT_REFUSED", /whole chain/),
    );
    expect(existsSync(join(directory, "inventory.sqlite"))).toBe(false);
  });

  test.each<[string, CaRecipe, RegExp]>([
    ["RFC 5280 §4.2.1.9: no CA", { ca: false }, /basicConstraints/],
    ["RFC 5280 §4.2.1.3: keyUsage without keyCertSign", { keyUsage: ["cRLSign"] }, /keyUsage/],
    ["RFC 5280 §4.2.1.3: keyUsage without cRLSign", { keyUsage: ["keyCertSign"] }, /keyUsage/],
    ["expired", { notAfter: new Date("2021-01-01T00:00:00Z") }, /expired/],
    ["name constraints", { constrained: true }, /name constraints/],
  ])("one that is not fit is refused: %s", async (_what, recipe, why) => {
    await expect(load(file(rootKey, await makeCa("Old Root", recipe)))).rejects.toThrow(
      refused("PKI_IMPORT_REFUSED", why),
    );
  });

  test("a certificate that is not the key's is refused", async () => {
    await expect(load(file(subKey, await makeCa("Old Root")))).rejects.toThrow(
      refused("PKI_IMPORT_REFUSED", /belongs/),
    );
  });

  test("a wrong passphrase, and a key that is not RSA", async () => {
    await expect(load(file(rootKey, await makeCa("Old Root")), "wrong")).rejects.toThrow(
      refused("PKI_WRONG_PASSPHRASE"),
    );
    const privateKey = generatePrivateKey("p256");
    const ec = await makeCa("EC Root", { key: privateKey });
    const pkcs12 = encodePkcs12({ privateKey, certificates: [ec], passphrase: "old", iterations: 2048 });
    await expect(load(pkcs12)).rejects.toThrow(refused("PKI_PKCS12_UNSUPPORTED", /RSA/));
  });
});
