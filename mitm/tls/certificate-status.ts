import { opaque, struct, uint8 } from "../../dtls/wire/presentation.ts";
import { Certificate13, decode, encode, type RawExtension } from "./messages.ts";
import { ExtensionType } from "./numbers.ts";

/**
 * RFC 6066 §8, in the entry of the end-entity certificate (RFC 8446 §4.4.2.1)
 *     struct { CertificateStatusType status_type; OCSPResponse response; } CertificateStatus;
 *     opaque OCSPResponse<1..2^24-1>;
 */
const CertificateStatus = struct({ statusType: uint8, response: opaque(1, 2 ** 24 - 1) });

const ocsp = 1;

/** RFC 6066 §8: asks for a stapled OCSP response; no responders and no extensions are named. */
export const statusRequest: RawExtension = {
  extensionType: ExtensionType.status_request,
  extensionData: Uint8Array.of(ocsp, 0, 0, 0, 0),
};

/** The stapled OCSP response of a Certificate message of TLS 1.3, if there is one. */
export function ocspResponseOf(body: Uint8Array): Uint8Array | undefined {
  const [leaf] = decode("Certificate", Certificate13, body).certificateList;
  const status = leaf?.extensions.find(({ extensionType }) => extensionType === ExtensionType.status_request);
  return status && decode("CertificateStatus", CertificateStatus, status.extensionData).response;
}

/** The body of a Certificate message of TLS 1.3 with a response stapled to its first certificate. */
export function withOcspResponse(body: Uint8Array, response: Uint8Array): Uint8Array {
  const { certificateRequestContext, certificateList } = decode("Certificate", Certificate13, body);
  const extensionData = encode(CertificateStatus, { statusType: ocsp, response });
  const staple = { extensionType: ExtensionType.status_request, extensionData };
  const stapled = certificateList.map((entry, index) =>
    index === 0 ? { ...entry, extensions: [...entry.extensions, staple] } : entry,
  );
  return encode(Certificate13, { certificateRequestContext, certificateList: stapled });
}
