import { execFileSync } from "node:child_process";
import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { IdentityFiles } from "./raw-client.ts";

/** One small PKI for every broker of a run: P-256 leaves under an issuing CA under a root. */
export interface BenchPki {
  readonly directory: string;
  readonly ca: string;
  readonly gateway: { readonly key: string; readonly certificate: string };
  readonly devices: readonly IdentityFiles[];
  readonly operator: IdentityFiles;
}

export function makeBenchPki(directory: string, deviceCount: number): BenchPki {
  const file = (name: string) => join(directory, name);
  const openssl = (...args: string[]) => execFileSync("openssl", args, { cwd: directory, stdio: "pipe" });
  const key = (name: string) =>
    openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", `${name}.key.pem`);

  key("root");
  openssl(
    "req",
    "-x509",
    "-new",
    "-key",
    "root.key.pem",
    "-subj",
    "/CN=bench root",
    "-days",
    "2",
    "-out",
    "ca.pem",
  );
  const sign = (name: string, subject: string, issuer: string, extensions: string) => {
    key(name);
    writeFileSync(file(`${name}.ext`), extensions);
    openssl("req", "-new", "-key", `${name}.key.pem`, "-subj", `/CN=${subject}`, "-out", `${name}.csr`);
    const caCert = issuer === "root" ? "ca.pem" : `${issuer}.cert.pem`;
    openssl(
      "x509",
      "-req",
      "-in",
      `${name}.csr`,
      "-CA",
      caCert,
      "-CAkey",
      `${issuer}.key.pem`,
      "-days",
      "2",
      "-extfile",
      `${name}.ext`,
      "-out",
      `${name}.cert.pem`,
    );
  };
  sign(
    "issuing",
    "bench issuing CA",
    "root",
    "basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,keyCertSign,cRLSign\n",
  );
  const issuing = readFileSync(file("issuing.cert.pem"));
  const leaf = (name: string, purpose: string, altName: string) => {
    sign(
      name,
      name,
      "issuing",
      `basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=${purpose}\nsubjectAltName=${altName}\n`,
    );
    appendFileSync(file(`${name}.cert.pem`), issuing);
    return { id: name, key: file(`${name}.key.pem`), certificate: file(`${name}.cert.pem`) };
  };
  return {
    directory,
    ca: file("ca.pem"),
    gateway: leaf("gateway", "serverAuth", "DNS:localhost,IP:127.0.0.1"),
    devices: Array.from({ length: deviceCount }, (_, i) => {
      const id = `bench-${String(i).padStart(3, "0")}`;
      return leaf(id, "clientAuth", `URI:spiffe://sallyport.internal/device/${id}`);
    }),
    operator: leaf("bench-ops", "clientAuth", "URI:spiffe://sallyport.internal/operator/bench-ops"),
  };
}
