import { randomBytes } from "node:crypto";
import { isIP } from "node:net";
import {
  type Certificate,
  ExtendedKeyUsage,
  encodePem,
  exportPublicKey,
  type GeneralName,
  generatePrivateKey,
  identityUri,
  type KeyAlgorithm,
  KeySigner,
  type KeyUsage,
  keyIdentifierOf,
  makeExtension,
  Name,
  parseCertificate,
  type RawExtension,
  signCertificate,
} from "../../pki/index.ts";

const day = 24 * 60 * 60 * 1000;

/** A certificate and its key, as wrong as a test wants them. */
export interface Minted {
  readonly name: Name;
  readonly signer: KeySigner;
  readonly certificate: Certificate;
  readonly pem: string;
}

export interface Recipe {
  readonly commonName?: string;
  /** Default: signed by itself. */
  readonly issuer?: { readonly name: Name; readonly signer: KeySigner } | undefined;
  readonly algorithm?: KeyAlgorithm;
  readonly signer?: KeySigner;
  readonly notBefore?: Date;
  readonly notAfter?: Date;
  /** Undefined: no extension at all. */
  readonly ca?: { readonly ca: boolean; readonly pathLenConstraint?: number } | undefined;
  readonly keyUsage?: readonly KeyUsage[] | undefined;
  readonly extendedKeyUsage?: readonly string[] | undefined;
  readonly subjectAltName?: readonly GeneralName[] | undefined;
  readonly extensions?: readonly RawExtension[];
}

export async function mint(recipe: Recipe): Promise<Minted> {
  const signer = recipe.signer ?? new KeySigner(generatePrivateKey(recipe.algorithm ?? "p256"));
  const name = Name.of({ CN: recipe.commonName ?? "somebody" });
  const issuer = recipe.issuer ?? { name, signer };
  const extensions: RawExtension[] = [
    makeExtension.subjectKeyIdentifier(keyIdentifierOf(exportPublicKey(signer.publicKey))),
    makeExtension.authorityKeyIdentifier(keyIdentifierOf(exportPublicKey(issuer.signer.publicKey))),
  ];
  if (recipe.ca) extensions.push(makeExtension.basicConstraints(recipe.ca));
  if (recipe.keyUsage) extensions.push(makeExtension.keyUsage(...recipe.keyUsage));
  if (recipe.extendedKeyUsage) extensions.push(makeExtension.extendedKeyUsage(...recipe.extendedKeyUsage));
  if (recipe.subjectAltName) extensions.push(makeExtension.subjectAltName(recipe.subjectAltName));
  const serialNumber = randomBytes(16);
  serialNumber[0] = ((serialNumber[0] ?? 0) & 0x7f) | 0x40;
  const der = await signCertificate(
    {
      serialNumber,
      issuer: issuer.name,
      subject: name,
      notBefore: recipe.notBefore ?? new Date(Date.now() - day),
      notAfter: recipe.notAfter ?? new Date(Date.now() + 30 * day),
      subjectPublicKeyInfo: exportPublicKey(signer.publicKey),
      extensions: [...extensions, ...(recipe.extensions ?? [])],
    },
    issuer.signer,
  );
  return {
    name,
    signer,
    // Not before it is asked for: some of these are made so that they cannot be parsed.
    get certificate() {
      return parseCertificate(der);
    },
    pem: encodePem("CERTIFICATE", der),
  };
}

export function rootRecipe(over: Recipe = {}): Recipe {
  return { commonName: "Test root", ca: { ca: true }, keyUsage: ["keyCertSign", "cRLSign"], ...over };
}

export function issuingRecipe(issuer: Minted, over: Recipe = {}): Recipe {
  const ca = { ca: true, pathLenConstraint: 0 };
  return { commonName: "Test issuing CA", issuer, ca, keyUsage: ["keyCertSign", "cRLSign"], ...over };
}

export function gatewayRecipe(issuer: Minted, over: Recipe = {}): Recipe {
  return {
    commonName: "gateway",
    issuer,
    keyUsage: ["digitalSignature"],
    extendedKeyUsage: [ExtendedKeyUsage.serverAuth],
    subjectAltName: [dnsName("gateway.test"), ipAddress("127.0.0.1")],
    ...over,
  };
}

export function deviceRecipe(issuer: Minted, id = "d1", over: Recipe = {}): Recipe {
  const uri = identityUri("device", "sallyport.internal", id);
  return {
    commonName: id,
    issuer,
    keyUsage: ["digitalSignature"],
    extendedKeyUsage: [ExtendedKeyUsage.clientAuth],
    subjectAltName: [{ type: "uniformResourceIdentifier", value: uri }],
    ...over,
  };
}

export interface MintedPki {
  readonly root: Minted;
  readonly issuing: Minted;
  readonly gateway: Minted;
  readonly device: Minted;
}

/** A root, an issuing CA, a gateway for `gateway.test` and 127.0.0.1, and the device `d1`. */
export async function mintPki(): Promise<MintedPki> {
  const root = await mint(rootRecipe());
  const issuing = await mint(issuingRecipe(root));
  const gateway = await mint(gatewayRecipe(issuing));
  const device = await mint(deviceRecipe(issuing));
  return { root, issuing, gateway, device };
}

export function dnsName(value: string): GeneralName {
  return { type: "dNSName", value };
}

export function ipAddress(text: string): GeneralName {
  if (isIP(text) !== 4) throw new RangeError("IPv4 alone is needed here");
  return { type: "iPAddress", value: Uint8Array.from(text.split(".").map(Number)) };
}
