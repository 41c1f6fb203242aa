import { type Signer as DtlsSigner, SignatureScheme } from "../dtls/index.ts";
import type { Signer } from "../pki/index.ts";
import { DeviceError } from "./errors.ts";

/** A signer of ours as a DTLS handshake asks one: ours knows one scheme, which follows from its key. */
export function dtlsSigner(signer: Signer): DtlsSigner {
  return {
    publicKey: signer.publicKey,
    schemes: [schemeOf(signer)],
    sign: (bytes) => signer.sign(bytes),
  };
}

function schemeOf({ publicKey }: Signer): SignatureScheme {
  const kind = publicKey.asymmetricKeyDetails?.namedCurve ?? publicKey.asymmetricKeyType ?? "";
  const scheme = schemes.get(kind);
  if (scheme !== undefined) return scheme;
  throw new DeviceError(
    "DEVICE_SIGNER_UNSUPPORTED",
    `DTLS 1.2 has no signatures by ${kind} keys: give the device a P-256, P-384, Ed25519 or RSA key`,
  );
}

const schemes: ReadonlyMap<string, SignatureScheme> = new Map([
  ["prime256v1", SignatureScheme.ecdsa_secp256r1_sha256],
  ["secp384r1", SignatureScheme.ecdsa_secp384r1_sha384],
  ["ed25519", SignatureScheme.ed25519],
  ["rsa", SignatureScheme.rsa_pkcs1_sha256],
]);
