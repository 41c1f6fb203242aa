import { broken, type Finding, held, pairAttack } from "../../attack.ts";
import { NotDelivered } from "../../errors.ts";
import type { PairLab } from "../../lab/pair-lab.ts";
import type { PathDatagram } from "../../path/datagram-record.ts";
import { Extension, type Hello, withoutExtension } from "../../path/hello.ts";
import { rewriteDtlsClientHello, rewriteTlsHello } from "../../path/rewrite-hello.ts";

const note = "cipher suites in another order, extended_master_secret taken out";

/** Something that the gateway may well go along with: only the comparison of what both ends saw can tell. */
function weakened(hello: Hello): Hello {
  return {
    ...withoutExtension(hello, Extension.extendedMasterSecret),
    cipherSuites: hello.cipherSuites.toReversed(),
  };
}

export default pairAttack({
  id: "P-03-path-c",
  title: "a ClientHello whose preferences were changed on the way",
  transports: ["tls", "dtls"],
  defeats: "transcript-not-verified",
  severity: "critical",
  reference: {
    rfc: ["RFC 8446 §4.4.4", "RFC 5246 §7.4.9", "RFC 7627 §4"],
    cwe: [757, 924],
    en303645: ["5.5-1"],
    cra: ["I(2)(f)"],
  },
  run: (lab) => (lab.transport === "tls" ? overTls(lab) : overDtls(lab)),
});

async function overTls(lab: PairLab): Promise<Finding> {
  const path = await lab.tcpPath({
    record: (record) => {
      const instead = record.from === "device" ? rewriteTlsHello(record, weakened) : undefined;
      return instead && { instead: [instead], note };
    },
  });
  const session = await lab.session(path);
  const connection = await path.connection(0, lab.patience.answerMs);
  if (connection === undefined) throw new NotDelivered("the device did not connect");
  const given = path.until(() => !connection.isOpen, lab.patience.answerMs).then(() => false);
  return judge(await Promise.race([session.opened, given]));
}

async function overDtls(lab: PairLab): Promise<Finding> {
  const path = await lab.udpPath({
    datagram: ({ from, records }) => {
      const instead = from === "device" ? rewriteDtlsClientHello(records, weakened) : undefined;
      return instead && { instead: [instead], note };
    },
  });
  const session = await lab.session(path);
  const isAlert = ({ what }: PathDatagram) => /alert/i.test(what);
  const refused = () => path.flows.some(({ datagrams }) => datagrams.some(isAlert));
  const given = path.until(refused, lab.patience.answerMs).then(() => false);
  const opened = await Promise.race([session.opened, given]);
  if (path.flows.length === 0) throw new NotDelivered("the device sent nothing");
  return judge(opened);
}

function judge(opened: boolean): Finding {
  return opened
    ? broken("a session was opened although the ends saw different ClientHellos")
    : held("no session comes about", { refusedAt: "Finished" });
}
