import { deflateSync } from "node:zlib";
import { gatewayAttack } from "../../attack.ts";
import { NotApplicable } from "../../errors.ts";
import { refused } from "../../lab/at-gateway.ts";
import { ExtensionType, HandshakeType } from "../../tls/numbers.ts";

/**
 * RFC 8879 §4
 *     struct { CertificateCompressionAlgorithm algorithm; uint24 uncompressed_length;
 *              opaque compressed_certificate_message<1..2^24-1>; } CompressedCertificate;
 */
function compressed(body: Uint8Array) {
  const zlib = deflateSync(body);
  const head = Buffer.alloc(8);
  head.writeUInt16BE(1, 0);
  head.writeUIntBE(body.length, 2, 3);
  head.writeUIntBE(zlib.length, 5, 3);
  return {
    kind: "handshake",
    msgType: HandshakeType.compressed_certificate,
    body: Buffer.concat([head, zlib]),
  } as const;
}

export default gatewayAttack({
  id: "G-CERT-20c",
  title: "a compressed certificate that nobody asked for",
  transports: ["tls"],
  defeats: "compressed-certificate-accepted",
  severity: "low",
  reference: {
    rfc: ["RFC 8879 §4"],
    cwe: [409, 400],
    en303645: ["5.13-1"],
    cra: ["I(2)(h)"],
  },
  async run(lab) {
    const end = await lab.tls({
      versions: ["TLS 1.3"],
      outgoing: ({ name, body }) => (name === "Certificate" ? [compressed(body)] : undefined),
    });
    const failed = await end.hello();
    if (failed !== undefined) throw new NotApplicable(`the target does not speak TLS 1.3: ${failed.how}`);
    if (end.tls13?.request?.extensionTypes.includes(ExtensionType.compress_certificate) === true) {
      throw new NotApplicable("the target asks for compressed certificates");
    }
    end.ownFlight();
    const result = await end.finish();
    return lab.judge(result.completed ? await lab.hello(end) : refused(result));
  },
});
