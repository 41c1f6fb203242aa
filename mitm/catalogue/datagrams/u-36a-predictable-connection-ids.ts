import { broken, gatewayAttack, held } from "../../attack.ts";
import { NotApplicable } from "../../errors.ts";
import { helloed } from "./flight.ts";
import { authentication, overDtls } from "./reference.ts";

/** Two bytes that differ can be tried in a second. */
const fewest = 3;

export default gatewayAttack({
  id: "U-36a",
  title: "connection ids that can be foretold from others",
  transports: overDtls,
  defeats: "predictable-connection-ids",
  severity: "low",
  reference: authentication(["RFC 9146 §3", "RFC 9146 §8"], [330, 340]),
  async run(lab) {
    const seen: Uint8Array[] = [];
    for (let count = 0; count < 12; count += 1) {
      const client = await helloed(lab, { connectionId: Uint8Array.of(count + 1), marks: ["ClientHello"] });
      const id = client.peerConnectionId;
      if (id === undefined) throw new NotApplicable("the target negotiates no connection id");
      if (id.length === 0) throw new NotApplicable("the target wants no connection id on what it is sent");
      seen.push(id);
      client.leave();
    }
    const shared = commonBytes(seen);
    const free = (seen[0]?.length ?? 0) - shared;
    const text = `${seen.length} ids of ${seen[0]?.length} bytes, ${free} of which differ`;
    if (free < fewest) return broken(`${text}: the next one can be guessed`);
    return held(text);
  },
});

/** At how many places all of them have the same byte. */
function commonBytes(ids: readonly Uint8Array[]): number {
  const [first = new Uint8Array()] = ids;
  return first.filter((byte, index) => ids.every((id) => id[index] === byte)).length;
}
