import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { importAuthority, openAuthority, writeLegacyPkcs12 } from "../../pki/authority/index.ts";

const haveOpenssl = (spawnSync("openssl", ["version"], { encoding: "utf8" }).stdout ?? "").startsWith(
  "OpenSSL",
);

let directory: string;
const at = (name: string) => join(directory, name);

function openssl(...args: string[]): string {
  return execFileSync("openssl", args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

describe.skipIf(!haveOpenssl)(
  `an RSA CA that openssl made${haveOpenssl ? "" : " (skipped: no openssl)"}`,
  () => {
    beforeAll(() => {
      directory = mkdtempSync(join(tmpdir(), "sallyport-import-"));
      const ca = [
        "-addext",
        "keyUsage=critical,keyCertSign,cRLSign",
        "-addext",
        "basicConstraints=critical,CA:TRUE",
      ];
      openssl(
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-subj",
        "/O=Plant/CN=Plant Root",
        "-days",
        "900",
        ...ca,
        "-keyout",
        at("ca.key"),
        "-out",
        at("ca.crt"),
      );
      openssl(
        "pkcs12",
        "-export",
        "-inkey",
        at("ca.key"),
        "-in",
        at("ca.crt"),
        "-passout",
        "pass:old",
        "-out",
        at("new.p12"),
      );
      openssl(
        "pkcs12",
        "-export",
        "-legacy",
        "-inkey",
        at("ca.key"),
        "-in",
        at("ca.crt"),
        "-passout",
        "pass:old",
        "-out",
        at("legacy.p12"),
      );
    });

    afterAll(() => rmSync(directory, { recursive: true, force: true }));

    test.each(["new.p12", "legacy.p12"])(
      "from %s: it becomes the root, and openssl follows the chain to it",
      async (name) => {
        const place = at(`certs-${name}`);
        const made = await importAuthority(place, {
          pkcs12: readFileSync(at(name)),
          pkcs12Passphrase: "old",
          rootPassphrase: "new",
        });
        expect(made.root.subject.toString()).toBe("CN=Plant Root,O=Plant");
        using authority = openAuthority(place);
        const { chainPem } = await authority.issue({ id: "pump-1", keyAlgorithm: "rsa:2048" });
        writeFileSync(at("leaf.pem"), chainPem);
        const chain = ["-CAfile", at("ca.crt"), "-untrusted", join(place, "issuing.cert.pem")];
        expect(
          openssl(
            "verify",
            "-x509_strict",
            "-crl_check_all",
            "-CRLfile",
            join(place, "crl.pem"),
            ...chain,
            at("leaf.pem"),
          ),
        ).toContain("OK");
      },
    );

    test("a legacy PKCS#12 file of ours opens in openssl, with key and chain", async () => {
      using authority = openAuthority(at("certs-new.p12"));
      const { certificate, privateKey } = await authority.issue({ id: "pump-9", keyAlgorithm: "rsa:2048" });
      if (privateKey === undefined) throw new Error("unreachable: the key was made here");
      const certificates = [certificate.der, authority.issuing.der];
      writeFileSync(
        at("ours.p12"),
        writeLegacyPkcs12({ privateKey, certificates, passphrase: "secret", friendlyName: "pump-9" }),
      );
      const text = openssl("pkcs12", "-in", at("ours.p12"), "-passin", "pass:secret", "-nodes");
      expect(text.match(/BEGIN CERTIFICATE/g)).toHaveLength(2);
      expect(text).toContain("friendlyName: pump-9");
      expect(text).toContain("BEGIN PRIVATE KEY");
    });
  },
);
