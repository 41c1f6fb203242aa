import { pairAttack } from "../../attack.ts";
import { flipBit } from "../../path/weather.ts";
import { handshakeIn } from "./bad-weather.ts";

/** So many datagrams of each direction of the first attempt are damaged. */
const damaged = 8;

export default pairAttack({
  id: "U-19f",
  title: "one bit flipped in each datagram of a handshake",
  transports: ["dtls"],
  defeats: "handshake-failure-is-final",
  severity: "medium",
  reference: {
    rfc: ["RFC 6347 §4.1.2.7", "RFC 6347 §4.2.4"],
    cwe: [345, 400],
    en303645: ["5.9-1"],
    cra: ["I(2)(h)"],
  },
  run(lab) {
    const left = { device: damaged, gateway: damaged };
    return handshakeIn(lab, ({ from, bytes }) => {
      if (left[from] === 0) return undefined;
      left[from] -= 1;
      return { instead: [flipBit(bytes, lab.prng, bytes.length - 13)], note: "one bit flipped" };
    });
  },
});
