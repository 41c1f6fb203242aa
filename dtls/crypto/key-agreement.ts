import {
  createECDH,
  createPublicKey,
  diffieHellman,
  type ECDH,
  generateKeyPairSync,
  type KeyObject,
} from "node:crypto";
import { DtlsError } from "../errors.ts";
import { NamedGroup } from "../wire/registry.ts";

/** One side's half of a key agreement: made for one handshake, and used once. */
export interface KeyShare {
  readonly group: NamedGroup;
  /** As the wire carries it: an uncompressed point (RFC 8422 §5.4.1), or the 32 bytes of X25519. */
  readonly publicKey: Uint8Array;
  /**
   * The shared secret, as long as the group's field with its leading zeros (RFC 8422 §5.10). Throws
   * DTLS_ILLEGAL_PARAMETER when the peer's key is no key of this group.
   */
  agree(peerPublicKey: Uint8Array): Uint8Array;
}

/** A fresh key. RFC 9325 §6.4 (and RFC 8422 §5.10): never the same one for two handshakes. */
export function generateKeyShare(group: NamedGroup): KeyShare {
  switch (group) {
    case NamedGroup.x25519:
      return new X25519Share();
    case NamedGroup.secp256r1:
      return new P256Share();
    case NamedGroup.secp384r1:
      return new P384Share();
  }
}

/** createECDH takes and gives raw points, which saves making key objects of them. */
class P256Share implements KeyShare {
  readonly group = NamedGroup.secp256r1;
  readonly publicKey: Uint8Array;
  readonly #ecdh: ECDH = createECDH("prime256v1");

  constructor() {
    this.publicKey = this.#ecdh.generateKeys();
  }

  agree(peerPublicKey: Uint8Array): Uint8Array {
    requireUncompressedPoint(peerPublicKey, 32);
    try {
      return leftPadded(this.#ecdh.computeSecret(peerPublicKey), 32);
    } catch (cause) {
      throw notOnTheGroup("secp256r1", cause);
    }
  }
}

/** For this curve ECDH.computeSecret does some work twice on Node 24; key objects do not. */
class P384Share implements KeyShare {
  readonly group = NamedGroup.secp384r1;
  readonly publicKey: Uint8Array;
  readonly #privateKey: KeyObject;

  constructor() {
    const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "secp384r1" });
    const { x = "", y = "" } = publicKey.export({ format: "jwk" });
    this.publicKey = Buffer.concat([uncompressed, Buffer.from(x, "base64url"), Buffer.from(y, "base64url")]);
    this.#privateKey = privateKey;
  }

  agree(peerPublicKey: Uint8Array): Uint8Array {
    requireUncompressedPoint(peerPublicKey, 48);
    try {
      const spki = Buffer.concat([secp384r1SpkiPrefix, peerPublicKey]);
      const publicKey = createPublicKey({ key: spki, format: "der", type: "spki" });
      return leftPadded(diffieHellman({ privateKey: this.#privateKey, publicKey }), 48);
    } catch (cause) {
      throw notOnTheGroup("secp384r1", cause);
    }
  }
}

/** JWK is the quickest way in and out of a key object that every Node has. */
class X25519Share implements KeyShare {
  readonly group = NamedGroup.x25519;
  readonly publicKey: Uint8Array;
  readonly #privateKey: KeyObject;

  constructor() {
    const { publicKey, privateKey } = generateKeyPairSync("x25519");
    this.publicKey = Buffer.from(publicKey.export({ format: "jwk" }).x ?? "", "base64url");
    this.#privateKey = privateKey;
  }

  agree(peerPublicKey: Uint8Array): Uint8Array {
    if (peerPublicKey.length !== 32) throw wrongLength(peerPublicKey, 32);
    try {
      const x = Buffer.from(peerPublicKey).toString("base64url");
      const publicKey = createPublicKey({ key: { kty: "OKP", crv: "X25519", x }, format: "jwk" });
      // RFC 7748 §6.1, RFC 8422 §5.11: OpenSSL refuses an all-zero secret, which a point of small order makes.
      return diffieHellman({ privateKey: this.#privateKey, publicKey });
    } catch (cause) {
      throw notOnTheGroup("x25519", cause);
    }
  }
}

/** RFC 8422 §5.4.1: the form of the point that follows. */
const uncompressed = Uint8Array.of(4);

/** SubjectPublicKeyInfo (RFC 5480 §2) of a secp384r1 key up to its point. */
const secp384r1SpkiPrefix = Buffer.from("3076301006072a8648ce3d020106052b81040022036200", "hex");

/** RFC 8422 §5.1.2: the uncompressed form alone; neither compressed points nor the point at infinity. */
function requireUncompressedPoint(point: Uint8Array, fieldLength: number): void {
  if (point.length !== 1 + 2 * fieldLength) throw wrongLength(point, 1 + 2 * fieldLength);
  if (point[0] !== uncompressed[0]) {
    throw new DtlsError("DTLS_ILLEGAL_PARAMETER", "the peer's point is not in the uncompressed form");
  }
}

/** RFC 8422 §5.10: "leading zeros found in this octet string MUST NOT be truncated". */
function leftPadded(secret: Uint8Array, length: number): Uint8Array {
  if (secret.length === length) return secret;
  const padded = new Uint8Array(length);
  padded.set(secret, length - secret.length);
  return padded;
}

function wrongLength(key: Uint8Array, wanted: number): DtlsError {
  return new DtlsError(
    "DTLS_ILLEGAL_PARAMETER",
    `the peer's public key has ${key.length} bytes, not ${wanted}`,
  );
}

function notOnTheGroup(group: string, cause: unknown): DtlsError {
  return new DtlsError("DTLS_ILLEGAL_PARAMETER", `the peer's public key is no key of ${group}`, { cause });
}
