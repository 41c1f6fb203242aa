import { pairAttack } from "../../attack.ts";
import { replayHandshake } from "./old-handshakes.ts";

export default pairAttack({
  id: "U-11i",
  title: "the first ClientHello of an open session sent again",
  transports: ["dtls"],
  defeats: "session-lost-to-new-hello",
  severity: "medium",
  reference: { rfc: ["RFC 6347 §4.2.8"], cwe: [345, 400], en303645: ["5.5-1"], cra: ["I(2)(h)"] },
  run: (lab) => replayHandshake(lab, "gateway", ({ what, index }) => what === "ClientHello" && index === 0),
});
