import { createPublicKey, type KeyObject } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  encodePem,
  encodePrivateKey,
  exportPublicKey,
  generatePrivateKey,
  type KeyAlgorithm,
  KeySigner,
} from "../../../pki/index.ts";
import {
  deviceRecipe,
  dnsName,
  gatewayRecipe,
  ipAddress,
  type Minted,
  mint,
  type Recipe,
  rootRecipe,
} from "../minted-pki.ts";

/** The keys that certificates are made for, by the names that titles and the table use. */
export type CertificateKey = "P-256" | "P-384" | "RSA" | "Ed25519";

/** A certificate with its key: as text for our side, as files for programs. */
interface Identity {
  readonly cert: string;
  readonly key: string;
  readonly privateKey: KeyObject;
  readonly certFile: string;
  readonly keyFile: string;
}

export interface PreSharedKey {
  readonly identity: string;
  /** Sixteen letters, since some programs take a key as text and others in hexadecimal. */
  readonly text: string;
  readonly hex: string;
  readonly bytes: Uint8Array;
  /** As gnutls-serv reads it. */
  readonly file: string;
}

/** A test PKI on disk: one CA, a server for `localhost` and a device for each kind of key, and their evil twins. */
export interface Credentials extends Disposable {
  readonly directory: string;
  readonly ca: string;
  readonly caFile: string;
  readonly server: Readonly<Record<CertificateKey, Identity>>;
  readonly device: Readonly<Record<CertificateKey, Identity>>;
  /** The same names, out of another CA of the same name. */
  readonly evilServer: Identity;
  readonly evilDevice: Identity;
  readonly evilCaFile: string;
  readonly psk: PreSharedKey;
  readonly wrongPsk: PreSharedKey;
  /** Raw public keys (RFC 7250): the P-256 keys again, as a file with both halves and as a public key alone. */
  readonly raw: { readonly server: RawKey; readonly device: RawKey; readonly evil: RawKey };
}

interface RawKey {
  readonly key: string;
  readonly spki: Uint8Array;
  readonly publicFile: string;
  readonly keyFile: string;
  /** PUBLIC KEY and EC PRIVATE KEY in one file. */
  readonly bothFile: string;
}

export async function makeCredentials(): Promise<Credentials> {
  const directory = mkdtempSync(join(tmpdir(), "sallyport-dtls-"));
  const write = (name: string, text: string) => {
    const path = join(directory, name);
    writeFileSync(path, text, { mode: 0o600 });
    return path;
  };
  const identity = async (name: string, algorithm: KeyAlgorithm, recipe: Recipe): Promise<Identity> => {
    const privateKey = generatePrivateKey(algorithm);
    const { pem } = await mint({ ...recipe, signer: new KeySigner(privateKey) });
    const key = encodePrivateKey(privateKey);
    const certFile = write(`${name}.pem`, pem);
    return { cert: pem, key, privateKey, certFile, keyFile: write(`${name}.key`, key) };
  };
  const root = await mint(rootRecipe());
  const evil = await mint(rootRecipe());
  const subjectAltName = [dnsName("localhost"), ipAddress("127.0.0.1")];
  const asServer = (issuer: Minted) => gatewayRecipe(issuer, { commonName: "localhost", subjectAltName });
  const asDevice = (issuer: Minted) => deviceRecipe(issuer, "device-0001");
  const ofEachKey = async (name: string, recipe: Recipe) => ({
    "P-256": await identity(`${name}-p256`, "p256", recipe),
    "P-384": await identity(`${name}-p384`, "p384", recipe),
    RSA: await identity(`${name}-rsa`, "rsa:2048", recipe),
    Ed25519: await identity(`${name}-ed25519`, "ed25519", recipe),
  });
  const server = await ofEachKey("server", asServer(root));
  const device = await ofEachKey("device", asDevice(root));
  const preShared = (name: string, text: string): PreSharedKey => {
    const bytes = new TextEncoder().encode(text);
    const hex = Buffer.from(bytes).toString("hex");
    const file = write(`${name}.txt`, `device-0001:${hex}\n`);
    return { identity: "device-0001", text, hex, bytes, file };
  };
  const rawKey = (name: string, { key, privateKey, keyFile }: Identity): RawKey => {
    const spki = exportPublicKey(createPublicKey(privateKey));
    const publicPem = encodePem("PUBLIC KEY", spki);
    const sec1 = privateKey.export({ type: "sec1", format: "pem" });
    const publicFile = write(`${name}.pub`, publicPem);
    return { key, spki, publicFile, keyFile, bothFile: write(`${name}.both`, publicPem + sec1) };
  };
  const evilServer = await identity("evil-server", "p256", asServer(evil));
  return {
    directory,
    ca: root.pem,
    caFile: write("ca.pem", root.pem),
    server,
    device,
    evilServer,
    evilDevice: await identity("evil-device", "p256", asDevice(evil)),
    evilCaFile: write("evil-ca.pem", evil.pem),
    psk: preShared("psk", "0123456789abcdef"),
    wrongPsk: preShared("wrong-psk", "fedcba9876543210"),
    raw: {
      server: rawKey("raw-server", server["P-256"]),
      device: rawKey("raw-device", device["P-256"]),
      evil: rawKey("raw-evil", evilServer),
    },
    [Symbol.dispose]() {
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
