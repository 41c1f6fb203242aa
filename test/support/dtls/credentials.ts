import { createPublicKey, generateKeyPairSync, hash, type KeyObject } from "node:crypto";
import { KeySigner } from "../../../dtls/crypto/signature.ts";
import type { Credential, Signer } from "../../../dtls/signer.ts";
import type { SignatureScheme } from "../../../dtls/wire/registry.ts";
import { type Minted, mintCa, mintDevice, mintRoot, mintServer } from "../chain-builder.ts";

/** Kinds of keys that certificates in these tests have. */
export type KeyKind = "p256" | "p384" | "ed25519" | "rsa:2048";

export const serverName = "gateway.example";

const root = mintRoot();
const ca = mintCa(root);
const made = new Map<string, Credential>();

/** The server `gateway.example`: leaf and issuing CA. Made once for each kind of key. */
export function serverCredential(kind: KeyKind = "p256"): Credential {
  return remembered(`server ${kind}`, () => chainOf(mintServer(ca, [serverName], { key: kind })));
}

/** A device with the given id: leaf and issuing CA. */
export function deviceCredential(kind: KeyKind = "p256", id = "d1"): Credential {
  return remembered(`device ${id} ${kind}`, () => chainOf(mintDevice(ca, id, { key: kind })));
}

/** The same key without a certificate (RFC 7250). */
export function rawPublicKey(credential: Credential): Credential {
  const { signer } = credential;
  const spki = Uint8Array.from(signer.publicKey.export({ type: "spki", format: "der" }));
  return { certificateType: "RawPublicKey", chain: [spki], signer };
}

/** Somebody who shows a chain, which is public, and holds another key of the same kind. */
export function impostorOf(credential: Credential, kind: KeyKind = "p256"): Credential {
  const other = remembered(`impostor ${kind}`, () => {
    // RSA keys of certificates come from a pool, and the pool's could be the right one.
    const key = kind === "rsa:2048" ? generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey : kind;
    return chainOf(mintDevice(ca, "impostor", { key }));
  });
  // What the signer says of its key must fit the chain, or the fault would be found before the signature.
  return {
    ...credential,
    signer: { ...signerFields(credential.signer), sign: (bytes, scheme) => other.signer.sign(bytes, scheme) },
  };
}

/**
 * The same credential, whose signer remembers what it signed: walks of one seed ask for the same signatures again and
 * again.
 */
export function withMemory(credential: Credential): Credential {
  const signed = new Map<string, Uint8Array>();
  const sign: Signer["sign"] = (bytes, scheme) => {
    const key = `${scheme} ${hash("sha256", bytes)}`;
    let signature = signed.get(key);
    if (signature === undefined) {
      const fresh = credential.signer.sign(bytes, scheme);
      if (fresh instanceof Promise) return fresh;
      signature = fresh;
      if (signed.size >= 10_000) signed.clear();
      signed.set(key, signature);
    }
    return signature;
  };
  return { ...credential, signer: { ...signerFields(credential.signer), sign } };
}

export function leafOf(credential: Credential): Uint8Array {
  const leaf = credential.chain[0];
  if (leaf === undefined) throw new RangeError("a credential without a chain");
  return leaf;
}

function signerFields({ publicKey, schemes }: Signer): Omit<Signer, "sign"> {
  return schemes === undefined ? { publicKey } : { publicKey, schemes };
}

function remembered(name: string, make: () => Credential): Credential {
  let credential = made.get(name);
  if (credential === undefined) made.set(name, (credential = make()));
  return credential;
}

function chainOf(leaf: Minted): Credential {
  return { certificateType: "X509", chain: [leaf.der, ca.der], signer: steadySigner(leaf.key) };
}

/**
 * An ECDSA signature's DER is two or three bytes longer or shorter by chance, and with it the datagram. One length for
 * all, so that a seed cuts and drops the same datagrams in every run.
 */
function steadySigner(key: KeyObject): Signer {
  const signer = new KeySigner(key);
  const length = derLengths[key.asymmetricKeyDetails?.namedCurve ?? ""];
  return {
    publicKey: createPublicKey(key),
    ...(signer.schemes === undefined ? {} : { schemes: signer.schemes }),
    sign(bytes: Uint8Array, scheme: SignatureScheme) {
      for (;;) {
        const signature = signer.sign(bytes, scheme);
        if (length === undefined || signature.length === length) return signature;
      }
    },
  };
}

/** The commonest lengths of a signature by OpenSSL's name of the curve. */
const derLengths: Record<string, number> = { prime256v1: 71, secp384r1: 103 };
