import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import type { Transport } from "../attack.ts";
import { DatagramListener, type DatagramPort } from "../dtls/datagrams.ts";
import { DtlsServer } from "../dtls/server.ts";
import type { Address, Credential } from "../endpoint.ts";
import type { LabPki } from "../mint/lab-pki.ts";
import { Recorder } from "../record/recorder.ts";
import { TlsServer } from "../tls/server.ts";
import { boundedShare } from "./bounded-share.ts";
import { firstWords } from "./first-words.ts";
import { type PairRules, weakNegotiation } from "./pair-rules.ts";
import { Talk, welcome } from "./pair-talk.ts";
import { twinVerifier, type Verifier } from "./verify.ts";

/** For the next message of a handshake, ms. */
const answerMs = 1_500;

interface Parts {
  readonly credential: Credential;
  readonly verifyPeer: Verifier;
  readonly rules: PairRules;
  readonly tcp: Server;
  readonly udp: DatagramListener;
}

/** The gateway of a pair: it hears what devices say, and says what it is told to, to the device that came last. */
export class PairGateway {
  /** Told of each text of a device. */
  onheard: (text: string) => void = () => {};
  readonly #parts: Parts;
  readonly #sockets = new Set<Socket>();
  readonly #ends = new Set<TlsServer | DtlsServer>();
  readonly #talks: Talk[] = [];

  private constructor(parts: Parts) {
    this.#parts = parts;
    parts.tcp.on("connection", (socket: Socket) => void this.#overTcp(socket));
    parts.udp.onPort = (port) => void this.#overUdp(port);
  }

  static async start(pki: LabPki, names: readonly string[], rules: PairRules): Promise<PairGateway> {
    const { tolerates } = rules;
    const tcp = createServer({ noDelay: true, allowHalfOpen: true });
    tcp.listen(0, "127.0.0.1");
    await once(tcp, "listening");
    const share = await boundedShare(!tolerates.has("moved-address-not-validated"));
    return new PairGateway({
      credential: await pki.gateway(names),
      verifyPeer: twinVerifier({ purpose: "clientAuth", anchors: pki.anchors, tolerates }),
      rules,
      tcp,
      udp: DatagramListener.over(share, { tolerates }),
    });
  }

  get addresses(): Record<Transport, Address> {
    const bound = this.#parts.tcp.address();
    const port = typeof bound === "object" ? (bound?.port ?? 0) : 0;
    return { tls: { host: "127.0.0.1", port }, dtls: this.#parts.udp.address };
  }

  say(text: string): void {
    this.#talks.at(-1)?.say(text);
  }

  async close(): Promise<void> {
    for (const end of this.#ends) end.destroy();
    for (const socket of this.#sockets) socket.destroy();
    this.#parts.udp.destroy();
    const closed = once(this.#parts.tcp, "close");
    this.#parts.tcp.close();
    await closed;
  }

  async #overTcp(socket: Socket): Promise<void> {
    this.#sockets.add(socket);
    socket.on("error", () => undefined);
    socket.once("close", () => this.#sockets.delete(socket));
    const { tolerates } = this.#parts.rules;
    if (tolerates.has("plaintext-before-handshake-skipped")) await firstWords(socket, answerMs);
    await this.#serve(TlsServer.accept(socket, this.#options("tls")), "tls");
  }

  async #overUdp(port: DatagramPort): Promise<void> {
    await this.#serve(DtlsServer.accept(port, { ...this.#options("dtls"), connectionIds: true }), "dtls");
  }

  async #serve(end: TlsServer | DtlsServer, transport: Transport): Promise<void> {
    this.#ends.add(end);
    try {
      const result = await end.handshake();
      if (!result.completed) return;
      const { tolerates } = this.#parts.rules;
      const talk = new Talk(end, { transport, tolerates, heard: (text) => this.onheard(text) });
      this.#talks.push(talk);
      if (transport === "tls") talk.say(welcome);
      await talk.listen();
      this.#talks.splice(this.#talks.indexOf(talk), 1);
    } finally {
      this.#ends.delete(end);
      end.destroy();
    }
  }

  #options(transport: Transport) {
    const { credential, verifyPeer, rules } = this.#parts;
    return {
      recorder: new Recorder(),
      self: "gateway",
      peer: "device",
      credential,
      requestCertificate: true,
      verifyPeer,
      tolerates: rules.engine,
      answerMs,
      ...weakNegotiation(rules, transport),
    } as const;
  }
}
