import { broken, deviceAttack, held } from "../../attack.ts";
import { deviceHello } from "./device-hello.ts";

export default deviceAttack({
  id: "P-02e",
  title: "a handshake that fails, so that the device offers less",
  transports: ["tls"],
  defeats: "version-fallback",
  severity: "high",
  reference: {
    rfc: ["RFC 7507 §1", "RFC 9325 §3.1.3"],
    cwe: [757],
    en303645: ["5.5-1"],
    cra: ["I(2)(e)", "I(2)(f)"],
    also: ["POODLE, 2014"],
  },
  async run(lab) {
    const first = await deviceHello(lab);
    first.raw.write(Uint8Array.of(21, 3, 3, 0, 2, 2, 40), {
      attack: true,
      note: "in answer to its ClientHello",
    });
    first.raw.halfClose();
    await first.raw.read(lab.patience.silenceMs);
    // What it does next is what is asked: it may take its time.
    const { versions } = await deviceHello(lab);
    const best = Math.max(...first.versions.filter((version) => version <= 0x0304));
    return Math.max(...versions.filter((version) => version <= 0x0304)) < best
      ? broken("the next ClientHello offers a lower version than the one before")
      : held("the next ClientHello offers the same versions", {
          refusedAt: "Alert handshake_failure",
          next: "tried again",
        });
  },
});
