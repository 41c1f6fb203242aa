import type { KeyObject } from "node:crypto";
import { type DerReader, decode } from "../der/reader.ts";
import { contextConstructed } from "../der/tag.ts";
import { PkiError } from "../errors.ts";
import { readAlgorithmIdentifier, verifySignature } from "./algorithms.ts";
import { type RawExtension, readExtensions, readKnownExtensions } from "./extensions.ts";
import type { GeneralName } from "./general-name.ts";
import { Name } from "./name.ts";
import { EXTENSION_REQUEST } from "./oids.ts";
import { assertAcceptablePublicKey, importPublicKey, readSubjectPublicKeyInfo } from "./public-key.ts";

interface CertificationRequestInfo {
  readonly subject: Name;
  readonly subjectPublicKeyInfo: Uint8Array;
  readonly requestedExtensions: readonly RawExtension[];
  readonly requestedSubjectAltName: readonly GeneralName[] | undefined;
}

/**
 * A parsed certificate request. Its names and extensions are wishes: a profile decides what a certificate says,
 * and takes nothing from here but the public key.
 */
export class CertificateRequest {
  readonly der: Uint8Array;
  /** The signed bytes. */
  readonly tbs: Uint8Array;
  readonly subject: Name;
  readonly subjectPublicKeyInfo: Uint8Array;
  readonly requestedExtensions: readonly RawExtension[];
  readonly requestedSubjectAltName: readonly GeneralName[] | undefined;
  /** OID */
  readonly signatureAlgorithm: string;
  readonly signatureParameters: Uint8Array | undefined;
  readonly signature: Uint8Array;
  #publicKey: KeyObject | undefined;

  private constructor(der: Uint8Array, reader: DerReader) {
    // RFC 2986 §4.2
    //     CertificationRequest ::= SEQUENCE {
    //       certificationRequestInfo  CertificationRequestInfo,
    //       signatureAlgorithm        AlgorithmIdentifier,
    //       signature                 BIT STRING }
    const fields = reader.sequence("CertificationRequest");
    const inner = fields.sequence("CertificationRequestInfo");
    this.der = der;
    this.tbs = fields.lastEncoded;
    const info = readCertificationRequestInfo(inner);
    inner.end("CertificationRequestInfo");
    const algorithm = readAlgorithmIdentifier(fields, "signatureAlgorithm");
    this.signature = fields.bitString("signature");
    fields.end("CertificationRequest");
    this.signatureAlgorithm = algorithm.algorithm;
    this.signatureParameters = algorithm.parameters;
    this.subject = info.subject;
    this.subjectPublicKeyInfo = info.subjectPublicKeyInfo;
    this.requestedExtensions = info.requestedExtensions;
    this.requestedSubjectAltName = info.requestedSubjectAltName;
  }

  static parse(bytes: Uint8Array): CertificateRequest {
    const der = new Uint8Array(bytes);
    return decode(der, "CertificationRequest", (reader) => new CertificateRequest(der, reader));
  }

  /** Throws PKI_PUBLIC_KEY_INVALID on first use when the key is none. */
  get publicKey(): KeyObject {
    this.#publicKey ??= importPublicKey(this.subjectPublicKeyInfo);
    return this.#publicKey;
  }
}

/** One DER certificate request that fills `der`. Throws PKI_DER_* or PKI_CSR_MALFORMED. */
export function parseCertificateRequest(der: Uint8Array): CertificateRequest {
  return CertificateRequest.parse(der);
}

/**
 * RFC 2986 §4.2: the request is signed by the private key of its subject. Returns the key that was proven;
 * throws PKI_CSR_PROOF_OF_POSSESSION when it was not, PKI_PUBLIC_KEY_WEAK, PKI_ALGORITHM_UNSUPPORTED,
 * PKI_PUBLIC_KEY_INVALID.
 */
export function verifyProofOfPossession(request: CertificateRequest): KeyObject {
  // First, because a key of unbounded size makes the verification as slow as its sender likes.
  assertAcceptablePublicKey(request.publicKey);
  if (!verifySignature(request, request.publicKey)) {
    throw new PkiError("PKI_CSR_PROOF_OF_POSSESSION", "the request is not signed by the key that it names");
  }
  return request.publicKey;
}

/**
 * RFC 2986 §4.1
 *     CertificationRequestInfo ::= SEQUENCE {
 *       version        INTEGER { v1(0) },
 *       subject        Name,
 *       subjectPKInfo  SubjectPublicKeyInfo,
 *       attributes     [0] IMPLICIT SET OF Attribute }
 *     Attribute ::= SEQUENCE { type OBJECT IDENTIFIER, values SET SIZE(1..MAX) OF ANY }
 */
function readCertificationRequestInfo(fields: DerReader): CertificationRequestInfo {
  if (fields.smallInteger("version") !== 0) throw malformed("the version of a certificate request is 0");
  const subject = Name.read(fields);
  const subjectPublicKeyInfo = readSubjectPublicKeyInfo(fields).der;
  const attributes = fields.enter(contextConstructed(0), "attributes");
  const seen = new Set<string>();
  let requestedExtensions: readonly RawExtension[] = [];
  while (!attributes.atEnd) {
    const attribute = attributes.sequence("Attribute");
    const type = attribute.objectIdentifier("Attribute type");
    const values = attribute.set("Attribute values");
    attribute.end("Attribute");
    if (seen.has(type)) throw malformed(`attribute ${type} stands there twice`);
    seen.add(type);
    if (type === EXTENSION_REQUEST) requestedExtensions = readExtensions(values, "PKI_CSR_MALFORMED");
    else
      do values.any("AttributeValue");
      while (!values.atEnd);
    values.end("Attribute values");
  }
  const requestedSubjectAltName = readKnownExtensions(requestedExtensions).subjectAltName;
  return { subject, subjectPublicKeyInfo, requestedExtensions, requestedSubjectAltName };
}

function malformed(message: string): PkiError {
  return new PkiError("PKI_CSR_MALFORMED", message);
}
