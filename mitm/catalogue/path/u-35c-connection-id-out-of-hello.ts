import { broken, held, pairAttack } from "../../attack.ts";
import { NotApplicable, NotDelivered } from "../../errors.ts";
import { Extension, extensionOf, type Hello, withoutExtension } from "../../path/hello.ts";
import { rewriteDtlsClientHello } from "../../path/rewrite-hello.ts";

export default pairAttack({
  id: "U-35c",
  title: "connection_id taken out of the ClientHello",
  transports: ["dtls"],
  defeats: "transcript-not-verified",
  severity: "medium",
  reference: {
    rfc: ["RFC 5246 §7.4.9", "RFC 9146 §3"],
    cwe: [757, 924],
    en303645: ["5.5-1"],
    cra: ["I(2)(f)"],
  },
  async run(lab) {
    let stripped = 0;
    const strip = (hello: Hello): Hello => {
      if (extensionOf(hello, Extension.connectionId) !== undefined) stripped += 1;
      return withoutExtension(hello, Extension.connectionId);
    };
    const path = await lab.udpPath({
      datagram: ({ from, records }) => {
        const instead = from === "device" ? rewriteDtlsClientHello(records, strip) : undefined;
        return instead && { instead: [instead], note: "connection_id taken out" };
      },
    });
    const session = await lab.session(path);
    const refused = () =>
      path.flows.some(({ datagrams }) => datagrams.some(({ what }) => /alert/i.test(what)));
    const given = path.until(refused, lab.patience.answerMs).then(() => false);
    const opened = await Promise.race([session.opened, given]);
    if (path.flows.length === 0) throw new NotDelivered("the device sent nothing");
    if (stripped === 0) throw new NotApplicable("the device asks for no connection id");
    return opened
      ? broken("a session was opened without the connection ids that the device had asked for")
      : held("no session comes about", { refusedAt: "Finished" });
  },
});
