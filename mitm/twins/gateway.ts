import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { DatagramListener, type DatagramPort } from "../dtls/datagrams.ts";
import { DtlsServer } from "../dtls/server.ts";
import type { Credential, EndOptions, ScriptedEnd } from "../endpoint.ts";
import { LabPki } from "../mint/lab-pki.ts";
import { Recorder } from "../record/recorder.ts";
import { localNames } from "../run/lab-sources.ts";
import type { GatewayTarget } from "../targets.ts";
import { TlsServer, type TlsServerOptions } from "../tls/server.ts";
import { TicketKey } from "../tls/tickets.ts";
import { type Accounts, makeAccounts } from "./accounts.ts";
import { TwinBroker } from "./broker.ts";
import { readTwinCertificate } from "./certificate-reader.ts";
import { DoorKeeper } from "./door-keeper.ts";
import { answeredInClear } from "./in-clear.ts";
import { WokenEnd } from "./woken-end.ts";

/** How long the twin waits for the next message of a handshake, and for a CONNECT, ms. */
const answerMs = 1_000;
const helloTimeoutMs = 600;
/** A peer over DTLS that says nothing for so long is gone, ms. */
const idleMs = 60_000;
/** Handshakes at a time: there is one address alone that they come from. */
const maxHandshakes = 64;
/** What TLS leaves to a gateway: devices without ALPN or extended_master_secret, and other names for it. */
const allowedToAll = ["alpn-not-required", "extended-master-secret-not-required", "server-name-not-checked"];
/** Refusals that are kept for the evidence. */
const keptRefusals = 1_000;

/**
 * A gateway for the lab to try itself on: MQTT over TLS, an echo over DTLS, for the devices of an inventory alone. It
 * leaves out the checks whose weaknesses it tolerates.
 */
export async function twinGateway(pki: LabPki, tolerates: ReadonlySet<string>): Promise<GatewayTarget> {
  const ticketKey = new TicketKey();
  const twin = await TwinGateway.start(pki, tolerates, ticketKey);
  // The same gateway for another fleet: its tickets are sealed with the same key.
  const otherPki = await LabPki.create({ trustDomain: `other.${pki.trustDomain}` });
  const other = await TwinGateway.start(otherPki, tolerates, ticketKey);
  return {
    ...twin.target,
    sibling: other.target,
    close: async () => {
      await Promise.all([twin.close(), other.close()]);
    },
  };
}

interface OpenSession {
  readonly end: TlsServer | DtlsServer;
  readonly deviceId: string;
  readonly certificate: Uint8Array | undefined;
}

interface TwinParts {
  readonly pki: LabPki;
  readonly tolerates: ReadonlySet<string>;
  readonly accounts: Accounts;
  readonly credential: Credential;
  readonly keeper: DoorKeeper;
  readonly tcp: Server;
  readonly udp: DatagramListener;
  readonly ticketKey: TicketKey;
}

class TwinGateway {
  readonly target: GatewayTarget;
  readonly #parts: TwinParts;
  readonly #broker: TwinBroker;
  readonly #sockets = new Set<Socket>();
  readonly #sessions = new Set<OpenSession>();
  readonly #refusals: string[] = [];
  /** Under way now. */
  #handshakes = 0;

  private constructor(parts: TwinParts) {
    this.#parts = parts;
    const { tolerates, accounts, tcp, udp } = parts;
    this.#broker = new TwinBroker({ tolerates, operatorIds: [accounts.operator.deviceId], helloTimeoutMs });
    this.target = this.#asTarget();
    tcp.on("connection", (socket: Socket) => void this.#overTcp(socket));
    udp.onPort = (port) => void this.#overUdp(port);
  }

  static async start(
    pki: LabPki,
    tolerates: ReadonlySet<string>,
    ticketKey: TicketKey,
  ): Promise<TwinGateway> {
    const accounts = await makeAccounts(pki);
    const keeper = await DoorKeeper.of(pki, tolerates);
    const { attacker, victim, operator } = accounts;
    for (const { deviceId: id, credential } of [attacker, victim]) {
      keeper.register(leafOf(credential), { kind: "device", id });
    }
    keeper.register(leafOf(operator.credential), { kind: "operator", id: operator.deviceId });
    const credential = await pki.gateway(localNames);
    const tcp = createServer({ noDelay: true, allowHalfOpen: true });
    tcp.listen(0, "127.0.0.1");
    await once(tcp, "listening");
    const udp = await DatagramListener.bind("127.0.0.1", 0, { tolerates });
    return new TwinGateway({ pki, tolerates, accounts, credential, keeper, tcp, udp, ticketKey });
  }

  async close(): Promise<void> {
    this.#broker.close();
    for (const { end } of this.#sessions) end.destroy();
    for (const socket of this.#sockets) socket.destroy();
    this.#parts.udp.destroy();
    const closed = once(this.#parts.tcp, "close");
    this.#parts.tcp.close();
    await closed;
  }

  #asTarget(): GatewayTarget {
    const address = this.#parts.tcp.address();
    const port = typeof address === "object" ? (address?.port ?? 0) : 0;
    const keeper = this.#parts.keeper;
    return {
      name: "twin gateway",
      endpoints: {
        tls: { host: "127.0.0.1", port, application: "mqtt" },
        dtls: { ...this.#parts.udp.address, application: "echo" },
      },
      serverName: "localhost",
      ...this.#parts.accounts,
      helloTimeoutMs,
      handshakeTimeoutMs: answerMs,
      knowsRevocation: true,
      register: async (certificate, id) => keeper.register(certificate, { kind: "device", id }),
      revoke: async (certificate) => this.#revoke(certificate),
      remove: async (deviceId) => this.#remove(deviceId),
      refusals: () => this.#refusals,
    };
  }

  // --- who comes in ---

  async #overTcp(socket: Socket): Promise<void> {
    this.#sockets.add(socket);
    socket.on("error", () => undefined);
    socket.once("close", () => this.#sockets.delete(socket));
    if (this.#handshakes >= maxHandshakes && !this.#has("half-open-unbounded")) {
      socket.destroy();
      return;
    }
    if (this.#has("plaintext-accepted") && (await answeredInClear(socket))) return;
    const end = TlsServer.accept(socket, {
      ...this.#endOptions(),
      tolerates: new Set([...this.#parts.tolerates, ...allowedToAll]),
      alpn: ["mqtt"],
      serverNames: localNames,
      ...this.#tickets(),
    });
    await this.#serve(end, async ({ deviceId }) => {
      if (!this.#has("post-handshake-certificate-accepted")) {
        await this.#broker.serve(end, deviceId);
        return;
      }
      // Who it is is asked when it speaks: by then it may have shown another certificate.
      const woken = await WokenEnd.of(end, helloTimeoutMs);
      const later = this.#parts.keeper.identityOf(end.peerChain);
      await this.#broker.serve(woken, later?.id ?? deviceId);
    });
  }

  /** A ticket holds the client's chain, which must have an end for that. */
  #tickets(): Pick<TlsServerOptions, "tickets"> {
    if (this.#has("handshake-size-unbounded")) return {};
    const tickets = { key: this.#parts.ticketKey, domain: this.#parts.pki.trustDomain };
    return { tickets: this.#has("early-data-accepted") ? { ...tickets, maxEarlyData: 16_384 } : tickets };
  }

  async #overUdp(port: DatagramPort): Promise<void> {
    const end = DtlsServer.accept(port, { ...this.#endOptions(), connectionIds: true });
    await this.#serve(end, () => echo(end));
  }

  async #serve(
    end: TlsServer | DtlsServer,
    application: (session: OpenSession) => Promise<void>,
  ): Promise<void> {
    try {
      this.#handshakes += 1;
      const result = await end.handshake().finally(() => {
        this.#handshakes -= 1;
      });
      if (!result.completed) {
        this.#refused(result.how);
        return;
      }
      const session = this.#open(end);
      const expiry = this.#endAtExpiry(session);
      try {
        await application(session);
      } finally {
        clearTimeout(expiry);
        this.#sessions.delete(session);
      }
    } catch (error) {
      this.#refused(error instanceof Error ? error.message : String(error));
    } finally {
      end.destroy();
    }
  }

  #endOptions(): EndOptions & { readonly requestCertificate: true } {
    return {
      recorder: new Recorder(),
      self: "gateway",
      peer: "device",
      credential: this.#parts.credential,
      requestCertificate: true,
      verifyPeer: this.#parts.keeper.refusal,
      tolerates: this.#parts.tolerates,
      answerMs,
    };
  }

  #open(end: TlsServer | DtlsServer): OpenSession {
    const identity = this.#parts.keeper.identityOf(end.peerChain);
    // Where no certificate was needed, whoever it is: a gateway like that goes by what its client says of itself.
    const deviceId = identity?.id ?? this.#parts.accounts.attacker.deviceId;
    const session = { end, deviceId, certificate: end.peerChain[0] };
    this.#sessions.add(session);
    return session;
  }

  #endAtExpiry({ end, certificate }: OpenSession): NodeJS.Timeout | undefined {
    if (certificate === undefined || this.#has("expiry-at-admission-only")) return undefined;
    const { notAfter } = readTwinCertificate(certificate);
    const left = notAfter.getTime() + 1_000 - Date.now();
    // Who was let in though it had expired stays; and a twin does not live for long.
    return left <= 0 || left > 60_000 ? undefined : setTimeout(() => end.close(), left);
  }

  #refused(how: string): void {
    this.#refusals.push(how);
    if (this.#refusals.length > keptRefusals) this.#refusals.shift();
  }

  // --- what is taken away ---

  #revoke(certificate: Uint8Array): void {
    const { inventory } = this.#parts.keeper;
    const identity = inventory.revoke(certificate);
    if (identity === undefined || this.#has("revocation-at-admission-only")) return;
    if (!inventory.hasRights(identity.id)) this.#broker.withdraw(identity.id);
    this.#end((session) => {
      if (session.certificate === undefined || Buffer.compare(session.certificate, certificate) !== 0) {
        return false;
      }
      // The broker ends those of a device without rights, as it sees fit.
      return session.end instanceof DtlsServer || inventory.hasRights(identity.id);
    });
  }

  #remove(deviceId: string): void {
    this.#parts.keeper.inventory.remove(deviceId);
    if (this.#has("removal-at-admission-only")) return;
    this.#broker.withdraw(deviceId);
    this.#end((session) => session.end instanceof DtlsServer && session.deviceId === deviceId);
  }

  #end(which: (session: OpenSession) => boolean): void {
    for (const session of this.#sessions) if (which(session)) session.end.close();
  }

  #has(weakness: string): boolean {
    return this.#parts.tolerates.has(weakness);
  }
}

/** Sends back what it gets, until the peer is gone. */
async function echo(end: ScriptedEnd): Promise<void> {
  for (;;) {
    const next = await end.receive(idleMs);
    if (next.kind === "data") end.send(next.data);
    else if (next.kind !== "alert" || next.fatal) return;
  }
}

function leafOf({ chain }: Credential): Uint8Array {
  const [leaf] = chain;
  if (leaf === undefined) throw new Error("unreachable: a minted chain is not empty");
  return leaf;
}
