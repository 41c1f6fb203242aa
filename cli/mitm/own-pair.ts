import {
  connect,
  type DeviceIdentity,
  type DeviceSession,
  identityFromSigner,
  openDtlsSession,
  openSession,
} from "../../device-client/index.ts";
import type {
  Address,
  Credential,
  DeviceAccount,
  LabPki,
  PairSession,
  PairTarget,
  Transport,
} from "../../mitm/index.ts";
import { encodePem, KeySigner } from "../../pki/index.ts";
import { ownGateway } from "./own-gateway.ts";

/** The name that the device knows its gateway by: one of those that the certificate of `ownGateway` has. */
const serverName = "localhost";

/** As in the field, but for how long a lab would wait: a device there comes back within a minute, here at once. */
const pace = {
  // Of DTLS: a path that loses much of a handshake takes some retransmissions.
  connectTimeoutMs: 5_000,
  reconnect: { minMs: 40, maxMs: 120 },
  retransmission: { initialMs: 200, maximumMs: 60_000 },
  silenceMs: 1_500,
} as const;

/** When the device is taken not to open a session any more. */
const openingMs = 6_000;

/** Our own gateway and our own device client, which meet on whatever path the lab puts between them. */
export async function ownPair(pki: LabPki): Promise<PairTarget> {
  const gateway = await ownGateway(pki);
  const { attacker, victim: account, operator, endpoints } = gateway;
  const { tls, dtls } = endpoints;
  if (account === undefined || operator === undefined || tls === undefined) {
    throw new Error("unreachable: our own gateway has all of them");
  }
  const identity = identityOf(account.credential, pki);
  let backend: Promise<DeviceSession> | undefined;
  return {
    name: "sallyport device and gateway",
    transports: dtls === undefined ? ["tls"] : ["tls", "dtls"],
    gateway: dtls === undefined ? { tls } : { tls, dtls },
    connectionIds: true,
    attacker,
    async dial(transport: Transport, to: Address) {
      if (transport === "dtls") return dialDtls(identity, to);
      backend ??= connectBackend(identityOf(operator.credential, pki), tls);
      return dialMqtt(identity, account, to, await backend);
    },
    async close() {
      await (await backend)?.close();
      await gateway.close?.();
    },
  };
}

/** Whoever hears the devices at the gateway and speaks to them; it does not go through the lab's path. */
async function connectBackend(identity: DeviceIdentity, { host, port }: Address): Promise<DeviceSession> {
  const session = await connect({ identity, gateway: { host, port, serverName }, cleanSession: true });
  await session.subscribe("devices/#", { qos: 1 });
  return session;
}

/** MQTT: the device publishes, and an operator at the gateway hears it and answers. */
function dialMqtt(
  identity: DeviceIdentity,
  { deviceId }: DeviceAccount,
  { host, port }: Address,
  backend: DeviceSession,
): PairSession {
  const { up, down } = { up: `devices/${deviceId}/up/lab`, down: `devices/${deviceId}/down/lab` };
  const gatewayGot: string[] = [];
  const deviceGot: string[] = [];
  const hear = (got: string[], from: string) => (message: { topic: string; payload: Uint8Array }) => {
    if (message.topic === from) got.push(Buffer.from(message.payload).toString("latin1"));
  };
  const hearDevice = hear(gatewayGot, up);
  backend.on("message", hearDevice);
  const session = openSession({
    identity,
    gateway: { host, port, serverName },
    cleanSession: true,
    connectTimeoutMs: 2_000,
    reconnect: pace.reconnect,
  });
  session.on("message", hear(deviceGot, down));
  const life = new Life(session, () => session.subscribe(down, { qos: 0 }));
  return {
    opened: life.opened,
    ended: life.ended,
    gatewayGot,
    deviceGot,
    // QoS 0: what the path takes away is gone, and does not come again on the next connection.
    deviceSays: (text) => void session.publish(up, text).catch(() => undefined),
    gatewaySays: (text) => void backend.publish(down, text).catch(() => undefined),
    get isOpen() {
      return life.isOpen;
    },
    async close() {
      backend.off("message", hearDevice);
      life.close();
      await session.close();
    },
  };
}

/** DTLS: the gateway sends back what it gets, so that the device hears what arrived there. */
function dialDtls(identity: DeviceIdentity, { host, port }: Address): PairSession {
  const got: string[] = [];
  const session = openDtlsSession({ identity, gateway: { host, port, serverName }, ...pace });
  session.on("message", (data) => got.push(Buffer.from(data).toString("latin1")));
  const life = new Life(session);
  const say = (text: string) => {
    if (session.state === "connected") session.send(text);
  };
  return {
    opened: life.opened,
    ended: life.ended,
    gatewayGot: got,
    deviceGot: got,
    deviceSays: say,
    // What the gateway says is its answer.
    gatewaySays: say,
    get isOpen() {
      return life.isOpen;
    },
    async close() {
      life.close();
      await session.close();
    },
  };
}

/** What both kinds of session tell. */
interface Events {
  on(event: "connected", listener: () => void): unknown;
  on(event: "disconnected", listener: (end: { readonly reason: Error | undefined }) => void): unknown;
}

/** How the device's session fares: its first one counts, reconnects of the client do not bring it back. */
class Life {
  readonly opened: Promise<boolean>;
  readonly ended: Promise<string>;
  #isOpen = false;
  #isOver = false;
  readonly #opened = Promise.withResolvers<boolean>();
  readonly #ended = Promise.withResolvers<string>();
  readonly #timer: NodeJS.Timeout;

  constructor(session: Events, prepare?: () => Promise<unknown>) {
    this.opened = this.#opened.promise;
    this.ended = this.#ended.promise;
    this.#timer = setTimeout(() => this.#opened.resolve(false), openingMs);
    session.on("connected", () => {
      void (prepare?.() ?? Promise.resolve()).then(
        () => this.#begin(),
        () => undefined,
      );
    });
    session.on("disconnected", ({ reason }) => {
      if (!this.#isOpen) return;
      this.#isOpen = false;
      this.#isOver = true;
      this.#ended.resolve(reason?.message ?? "ended in order");
    });
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#isOver = true;
    this.#isOpen = false;
    this.#opened.resolve(false);
    this.#ended.resolve("closed by the lab");
  }

  #begin(): void {
    if (this.#isOver) return;
    clearTimeout(this.#timer);
    this.#isOpen = true;
    this.#opened.resolve(true);
  }
}

function identityOf({ chain, key }: Credential, pki: LabPki): DeviceIdentity {
  const certificate = chain.map((der) => encodePem("CERTIFICATE", der)).join("");
  return identityFromSigner(new KeySigner(key), { certificate, ca: pki.anchorsPem });
}
