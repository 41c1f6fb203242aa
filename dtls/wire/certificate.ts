import { opaque, struct, type TypeOf, uint8, uint16, vector } from "./presentation.ts";

/**
 * RFC 5246 §7.4.2. An empty list is how a client says that it has none (§7.4.6).
 *     opaque ASN.1Cert<1..2^24-1>;
 *     struct {
 *       ASN.1Cert certificate_list<0..2^24-1>;
 *     } Certificate;
 */
export const Certificate = struct({
  certificateList: vector(opaque(1, 2 ** 24 - 1), 0, 2 ** 24 - 1),
});
export type Certificate = TypeOf<typeof Certificate>;

/**
 * RFC 7250 §3: what stands in a Certificate message when RawPublicKey was negotiated.
 *     case RawPublicKey: opaque ASN.1_subjectPublicKeyInfo<1..2^24-1>;
 */
export const RawPublicKeyCertificate = opaque(1, 2 ** 24 - 1);

/**
 * RFC 5246 §7.4.4
 *     opaque DistinguishedName<1..2^16-1>;
 *     struct {
 *       ClientCertificateType certificate_types<1..2^8-1>;
 *       SignatureAndHashAlgorithm supported_signature_algorithms<2..2^16-2>;
 *       DistinguishedName certificate_authorities<0..2^16-1>;
 *     } CertificateRequest;
 */
export const CertificateRequest = struct({
  certificateTypes: vector(uint8, 1, 2 ** 8 - 1),
  supportedSignatureAlgorithms: vector(uint16, 2, 2 ** 16 - 2),
  certificateAuthorities: vector(opaque(1, 2 ** 16 - 1), 0, 2 ** 16 - 1),
});
export type CertificateRequest = TypeOf<typeof CertificateRequest>;

/**
 * RFC 5246 §4.7, §7.4.8
 *     struct {
 *       SignatureAndHashAlgorithm algorithm;
 *       opaque signature<0..2^16-1>;
 *     } DigitallySigned;
 *     struct {
 *       digitally-signed struct { opaque handshake_messages[handshake_messages_length]; }
 *     } CertificateVerify;
 */
export const CertificateVerify = struct({
  algorithm: uint16,
  signature: opaque(0, 2 ** 16 - 1),
});
export type CertificateVerify = TypeOf<typeof CertificateVerify>;
