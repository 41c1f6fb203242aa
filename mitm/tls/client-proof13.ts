import type { PrfHash } from "../../dtls/crypto/suites.ts";
import { inflated } from "./compressed-certificate.ts";
import type { HandshakeMessage } from "./message-reader.ts";
import { chainOf } from "./messages.ts";
import { HandshakeType } from "./numbers.ts";
import { checkCertificateVerify13, checkContext, expectFinished13 } from "./proofs.ts";
import type { RecordKeys } from "./record-keys.ts";
import type { TlsEnd } from "./tls-end.ts";

/**
 * The client's Certificate and CertificateVerify in TLS 1.3, as far as they come; answers the Finished after them.
 * `ahead`: the keys that a client would go on with, which has no more to say.
 */
export async function receiveClientProof13(
  end: TlsEnd,
  hash: PrfHash,
  offered: readonly number[],
  ahead: () => RecordKeys,
): Promise<HandshakeMessage | "application data"> {
  const wanted = new Set<number>([HandshakeType.certificate]);
  if (!end.holds("certificate-message-not-required")) wanted.add(HandshakeType.finished);
  if (!end.holds("compressed-certificate-accepted")) wanted.add(HandshakeType.compressed_certificate);
  let proved = false;
  for (;;) {
    const message = await expectFinished13(end, [...wanted], ahead);
    if (message === "application data") return message;
    switch (message.msgType) {
      case HandshakeType.finished:
        return message;
      case HandshakeType.compressed_certificate:
      case HandshakeType.certificate: {
        const chain = clientChain(message);
        if (message.msgType === HandshakeType.certificate) checkContext(end, message);
        wanted.clear();
        if (chain.length === 0) {
          end.require("client-certificate-not-required", false, "certificate_required", "no certificate");
          wanted.add(HandshakeType.finished);
          break;
        }
        end.judgePeer(chain);
        wanted.add(HandshakeType.certificate_verify);
        // Where a further certificate is taken, the proof of the one before is taken for it.
        if (proved || !end.holds("certificate-verify-not-required")) wanted.add(HandshakeType.finished);
        break;
      }
      default:
        proved = true;
        checkCertificateVerify13(end, message, end.transcript.hash(hash), "client", offered);
        wanted.clear();
        wanted.add(HandshakeType.finished);
        if (!end.holds("second-certificate-accepted")) wanted.add(HandshakeType.certificate);
    }
    end.taken(message);
  }
}

/** The chain of a Certificate, also of one that is compressed. */
function clientChain(message: HandshakeMessage): readonly Uint8Array[] {
  if (message.msgType === HandshakeType.certificate) return chainOf("TLS 1.3", message.body);
  return chainOf("TLS 1.3", inflated(message.body));
}
