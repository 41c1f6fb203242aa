import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { broken, type Finding, held, pairAttack } from "../../attack.ts";
import { DtlsClient } from "../../dtls/client.ts";
import { DatagramListener } from "../../dtls/datagrams.ts";
import { DtlsServer } from "../../dtls/server.ts";
import type { Address, HandshakeResult, ScriptedEnd } from "../../endpoint.ts";
import { NotApplicable, NotDelivered } from "../../errors.ts";
import type { PairLab } from "../../lab/pair-lab.ts";
import type { DeviceAccount } from "../../targets.ts";
import { TlsClient } from "../../tls/client.ts";
import { TlsServer } from "../../tls/server.ts";

export default pairAttack({
  id: "P-23",
  title: "a relay that shows the attacker's own device certificate to both ends",
  transports: ["tls", "dtls"],
  defeats: "fleet-member-taken-for-gateway",
  severity: "critical",
  reference: {
    rfc: ["RFC 5280 §4.2.1.12", "RFC 9525 §6"],
    cwe: [290, 295, 297],
    en303645: ["5.5-1", "5.5-4"],
    cra: ["I(2)(d)", "I(2)(e)"],
  },
  async run(lab) {
    const { attacker } = lab.target;
    if (attacker === undefined) throw new NotApplicable("the attacker owns no device of this fleet");
    return lab.transport === "tls" ? overTls(lab, attacker) : overDtls(lab, attacker);
  },
});

/** Its two ends: one in the gateway's place, the other in the device's. */
function optionsOf(lab: PairLab, { credential }: DeviceAccount, peer: "device" | "gateway") {
  const { recorder, patience } = lab;
  const common = { recorder, self: "lab", peer, credential, tolerates: "everything" } as const;
  return { ...common, answerMs: patience.answerMs, marks: ["Certificate"] };
}

async function overTls(lab: PairLab, attacker: DeviceAccount): Promise<Finding> {
  const server = createServer({ noDelay: true, allowHalfOpen: true });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const bound = server.address();
  lab.defer(() => void server.close());
  const path = await lab.tcpPath();
  path.divert({ host: "127.0.0.1", port: typeof bound === "object" ? (bound?.port ?? 0) : 0 });
  const came = once(server, "connection", { signal: lab.signal });
  const session = lab.session(path);
  const [socket]: Socket[] = await came;
  if (socket === undefined) throw new NotDelivered("the device did not connect");
  const end = TlsServer.accept(socket, optionsOf(lab, attacker, "device"));
  lab.defer(() => end.destroy());
  void session.catch(() => undefined);
  return relay(lab, end, (to) => TlsClient.connect(to, optionsOf(lab, attacker, "gateway")));
}

async function overDtls(lab: PairLab, attacker: DeviceAccount): Promise<Finding> {
  const listener = await DatagramListener.bind();
  lab.defer(() => listener.destroy());
  const path = await lab.udpPath();
  path.divert(listener.address);
  const session = lab.session(path);
  void session.catch(() => undefined);
  const port = await listener.next(lab.patience.answerMs, lab.signal);
  if (port === undefined) throw new NotDelivered("the device sent no ClientHello");
  const end = DtlsServer.accept(port, optionsOf(lab, attacker, "device"));
  lab.defer(() => end.destroy());
  return relay(lab, end, (to) => DtlsClient.connect(to, optionsOf(lab, attacker, "gateway")));
}

/** Whether the device takes the relay for its gateway; if it does, its session is carried on to the real one. */
async function relay(
  lab: PairLab,
  end: ScriptedEnd,
  dial: (gateway: Address) => Promise<ScriptedEnd>,
): Promise<Finding> {
  const result = await end.handshake();
  if (!result.completed) return refused(result);
  // In TLS 1.3 and in DTLS an alert of the device may come after its Finished.
  const next = await end.receive(lab.patience.silenceMs);
  if (next.kind === "alert" || next.kind === "closed") {
    return held(`the device refuses the relay: ${next.kind === "alert" ? `alert ${next.alert}` : next.how}`, {
      refusedAt: "Certificate",
      alert: next.kind === "alert" ? next.alert : undefined,
    });
  }
  const gateway = lab.transport === "tls" ? lab.target.gateway.tls : lab.target.gateway.dtls;
  const carried = gateway && (await (await deferred(lab, dial(gateway))).handshake());
  const further = carried?.completed === true ? ", and the gateway takes its session for the attacker's" : "";
  return broken(`the device takes another device for its gateway${further}`);
}

async function deferred(lab: PairLab, dialled: Promise<ScriptedEnd>): Promise<ScriptedEnd> {
  const end = await dialled;
  lab.defer(() => end.destroy());
  return end;
}

function refused({ how, alert }: Extract<HandshakeResult, { completed: false }>): Finding {
  return held(`the device refuses the relay: ${how}`, { refusedAt: "Certificate", alert });
}
