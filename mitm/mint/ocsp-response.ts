import { hash, type KeyObject } from "node:crypto";
import { decode } from "../../pki/der/reader.ts";
import { contextConstructed, contextPrimitive, Tag } from "../../pki/der/tag.ts";
import { encodeTime } from "../../pki/der/time.ts";
import {
  constructed,
  type DerNode,
  encode,
  encoded,
  enumerated,
  explicit,
  integer,
  nullValue,
  objectIdentifier,
  octetString,
  primitive,
  sequence,
} from "../../pki/der/writer.ts";
import { parseCertificate } from "../../pki/index.ts";
import { readSubjectPublicKeyInfo } from "../../pki/x509/public-key.ts";
import { hour } from "./certificate.ts";
import { type Issuer, signedWith } from "./issuer.ts";

export interface OcspResponseOptions {
  /** DER: the certificate that it is about. */
  readonly certificate: Uint8Array;
  readonly issuer: Issuer;
  readonly status?: "good" | "revoked";
  readonly thisUpdate?: Date;
  readonly nextUpdate?: Date;
  /** Signs in place of the issuer: a forgery. */
  readonly signWith?: KeyObject;
}

const sha1 = "1.3.14.3.2.26";
const basic = "1.3.6.1.5.5.7.48.1.1";

/**
 * RFC 6960 §4.2.1: an OCSPResponse of the issuing CA itself about one certificate, DER.
 *     ResponseData ::= SEQUENCE { version [0], responderID, producedAt, responses, responseExtensions [1] }
 *     SingleResponse ::= SEQUENCE { certID, certStatus, thisUpdate, nextUpdate [0], singleExtensions [1] }
 */
export async function makeOcspResponse(options: OcspResponseOptions): Promise<Uint8Array> {
  const { issuer, signWith } = options;
  const now = Date.now();
  const thisUpdate = options.thisUpdate ?? new Date(now - hour);
  const { serialNumber } = parseCertificate(options.certificate);
  const issuerKey = decode(issuer.publicKeyInfo, "SubjectPublicKeyInfo", readSubjectPublicKeyInfo);
  // RFC 6960 §4.1.1: hashes of the issuer's Name, and of its key without tag, length and unused bits. SHA-1 names here,
  // and proves nothing.
  const certId = sequence(
    sequence(objectIdentifier(sha1), nullValue()),
    octetString(hash("sha1", issuer.name.der, "buffer")),
    octetString(hash("sha1", issuerKey.subjectPublicKey, "buffer")),
    integer(Buffer.from(serialNumber, "hex")),
  );
  const status =
    options.status === "revoked"
      ? constructed(contextConstructed(1), [generalizedTime(thisUpdate)])
      : primitive(contextPrimitive(0), new Uint8Array());
  const single = sequence(
    certId,
    status,
    generalizedTime(thisUpdate),
    explicit(0, generalizedTime(options.nextUpdate ?? new Date(now + hour))),
  );
  const responseData = sequence(
    explicit(1, encoded(issuer.name.der)),
    generalizedTime(thisUpdate),
    sequence(single),
  );
  const tbs = () => responseData;
  const response = signWith === undefined ? await issuer.sign(tbs) : signedWith(signWith, tbs);
  return encode(
    sequence(enumerated(0), explicit(0, sequence(objectIdentifier(basic), octetString(response)))),
  );
}

function generalizedTime(date: Date): DerNode {
  return primitive(Tag.GENERALIZED_TIME, encodeTime(date, Tag.GENERALIZED_TIME));
}
