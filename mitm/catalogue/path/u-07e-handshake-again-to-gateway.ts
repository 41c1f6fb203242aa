import { pairAttack } from "../../attack.ts";
import { replayHandshake } from "./old-handshakes.ts";

export default pairAttack({
  id: "U-07e",
  title: "the whole handshake sent to the gateway again in the open session",
  transports: ["dtls"],
  defeats: "plaintext-handshake-obeyed",
  severity: "medium",
  reference: {
    rfc: ["RFC 6347 §4.1", "RFC 6347 §4.2.4"],
    cwe: [294, 400],
    en303645: ["5.5-1"],
    cra: ["I(2)(h)"],
  },
  run: (lab) => replayHandshake(lab, "gateway", ({ what }) => what !== "ClientHello"),
});
