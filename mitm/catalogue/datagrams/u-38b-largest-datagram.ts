import { ContentType } from "../../../dtls/wire/registry.ts";
import { broken, gatewayAttack, held } from "../../attack.ts";
import { availability, overDtls } from "./reference.ts";
import { isAlive, session } from "./words.ts";

export default gatewayAttack({
  id: "U-38b",
  title: "a datagram of 65,507 bytes in a session",
  transports: overDtls,
  defeats: "invalid-record-ends-session",
  severity: "medium",
  reference: availability(["RFC 6347 §4.1.2.7", "RFC 6347 §4.1.1"], [20, 755]),
  async run(lab) {
    const client = await session(lab);
    const datagram = Buffer.alloc(65_507, 0x17);
    // A record of application data whose length goes to the end of the datagram.
    datagram.set([ContentType.application_data, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 99, 0xff, 0xd6]);
    client.outgoing.datagram(datagram, { what: "65,507 bytes", attack: true });
    if (await isAlive(lab, client)) return held("it was dropped, the session goes on", { next: "went on" });
    return broken("the session ended");
  },
});
