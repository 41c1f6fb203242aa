import { broken, deviceAttack, held } from "../../attack.ts";
import { mqttName, tcpName } from "../../path/names.ts";
import { deviceHello } from "./device-hello.ts";

export default deviceAttack({
  id: "P-21b",
  title: "a CONNACK in clear in answer to a ClientHello",
  transports: ["tls"],
  defeats: "plaintext-after-plaintext-answer",
  severity: "critical",
  reference: {
    rfc: ["RFC 8446 §5.1"],
    cwe: [319, 757],
    en303645: ["5.5-1"],
    cra: ["I(2)(e)", "I(2)(f)"],
  },
  async run(lab) {
    const { raw } = await deviceHello(lab);
    raw.write(Uint8Array.of(0x20, 2, 0, 0), { attack: true, note: "CONNACK in clear" });
    const here = await raw.read(lab.patience.silenceMs);
    raw.destroy();
    const again = await lab.acceptTcp();
    const there = await again.read(lab.patience.answerMs);
    for (const next of [here, there]) {
      if (next.kind !== "data" || mqttName(next.data) === undefined) continue;
      lab.recorder.leaked(next.data.length);
      return broken(`the device goes on in clear: ${tcpName(next.data)}`);
    }
    const next = there.kind === "data" ? `tried again: ${tcpName(there.data)}` : "closed";
    return held(here.kind === "alert" ? `alert ${here.alert}` : "it says nothing in clear", {
      refusedAt: "CONNACK",
      next,
    });
  },
});
