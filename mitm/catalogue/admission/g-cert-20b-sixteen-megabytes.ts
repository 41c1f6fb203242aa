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
    send(header);
    for (let sent = 0; sent < megabytes * 2 ** 20; sent += pieces * piece) {
      // In bursts: who waits for each of them waits longer than some leave a message.
      for (let burst = 0; burst < pieces; burst += 1)
        send(new Uint8Array(piece).fill(HandshakeType.certificate));
      const next = await end.receive(1);
      if (next.kind === "silence") continue;
      const how = next.kind === "alert" ? `alert ${next.alert}` : next.kind === "closed" ? next.how : "data";
      const alert = next.kind === "alert" ? next.alert : undefined;
      return held(`${how}, after ${sent + pieces * piece} bytes of it`, { refusedAt: "Certificate", alert });
    }
    const last = await end.receive(lab.patience.silenceMs);
    if (last.kind === "alert" || last.kind === "closed") {
      return held(last.kind === "alert" ? `alert ${last.alert}` : last.how, { refusedAt: "Certificate" });
    }
    return broken(`${megabytes} MB of a message were taken from somebody who has proved nothing`);
  },
});
