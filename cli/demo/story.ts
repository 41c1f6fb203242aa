import { copyFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { connect, type DeviceSession, loadIdentity } from "../../device-client/index.ts";
import { type Gateway, type GatewayEvent, type RefusalReason, startGateway } from "../../gateway/index.ts";
import { Inventory, parseCertificates, spkiPin } from "../../pki/index.ts";
import { readGatewayFiles } from "../gateway-files.ts";
import { identityFiles, type StateFiles, stateFiles } from "../state-directory.ts";
import { makeDemoPki, provisionForDemo, revokeForDemo } from "./pki.ts";
import { failureOf, within } from "./wait.ts";

/** One thing that the demo shows: it returns what was seen, or throws when that is not what should be. */
export interface Step {
  readonly title: string;
  readonly run: () => Promise<string>;
}

/** Longer than anything here takes on a busy machine. */
const patienceMs = 15_000;
/** Time within which a revocation must have ended a live session. */
const revocationMs = 1_000;

const telemetry = "devices/thermometer-1/up/temperature";

/**
 * The whole story, in one directory: a PKI, a gateway, devices, and what is refused. Its steps run in order; disposing
 * of it ends every session and the gateway.
 */
export class Story implements AsyncDisposable {
  readonly steps: readonly Step[] = [
    { title: "make a PKI: a root, an issuing CA, a certificate for the gateway", run: () => this.#makePki() },
    { title: "start the gateway", run: () => this.#startGateway() },
    { title: "provision two devices and an operator", run: () => this.#provision() },
    { title: "connect both, each side proving itself to the other", run: () => this.#connect() },
    { title: "send telemetry", run: () => this.#sendTelemetry() },
    { title: "refuse an impostor whose CA copied our CA's name", run: () => this.#refuseImpostor() },
    { title: "refuse a device that takes another's client id", run: () => this.#refuseClientId() },
    { title: "refuse a device that publishes as another", run: () => this.#refuseTopic() },
    { title: "revoke a certificate while its session lives", run: () => this.#revoke() },
    { title: "refuse the revoked certificate from then on", run: () => this.#refuseRevoked() },
  ];
  readonly #files: StateFiles;
  readonly #sessions = new Map<string, DeviceSession>();
  #inventory: Inventory | undefined;
  #gateway: Gateway | undefined;

  constructor(directory: string) {
    this.#files = stateFiles(directory);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const session of this.#sessions.values()) await session.close();
    await this.#gateway?.close();
    this.#inventory?.close();
  }

  async #makePki(): Promise<string> {
    const { root, issuing } = await makeDemoPki(this.#files.directory);
    return `${root.subject.toString()} signs ${issuing.subject.toString()}`;
  }

  async #startGateway(): Promise<string> {
    this.#inventory = Inventory.open(this.#files.directory, { readOnly: true });
    this.#gateway = await startGateway({
      ...readGatewayFiles(this.#files, undefined),
      mqttPort: 0,
      registry: this.#inventory,
      stateDirectory: this.#files.directory,
    });
    return `mqtt over mutual TLS on port ${this.#gateway.mqttPort}`;
  }

  async #provision(): Promise<string> {
    await provisionForDemo(this.#files, "device", ["thermometer-1", "thermometer-2"]);
    await provisionForDemo(this.#files, "operator", ["alice"]);
    return "thermometer-1, thermometer-2, alice: a key and a certificate each";
  }

  async #connect(): Promise<string> {
    const opened = [this.#event("session.opened"), this.#event("session.opened")];
    await this.#open("thermometer-1");
    await this.#open("thermometer-2");
    await within(patienceMs, "both sessions", Promise.all(opened));
    return `${this.#running.sessions().length} sessions, the gateway's key pinned`;
  }

  async #sendTelemetry(): Promise<string> {
    const alice = await this.#open("alice");
    await alice.subscribe("devices/#", { qos: 1 });
    const arrived = new Promise<string>((resolve) => {
      alice.on("message", (message) =>
        resolve(`${message.topic} ${Buffer.from(message.payload).toString()}`),
      );
    });
    await this.#session("thermometer-1").publish(telemetry, "21.5", { qos: 1 });
    const text = await within(patienceMs, "the message", arrived);
    if (text !== `${telemetry} 21.5`) throw new Error(`alice received ${text}`);
    return `alice received ${text}`;
  }

  async #refuseImpostor(): Promise<string> {
    const rogue = join(this.#files.directory, "rogue");
    const { issuing } = await makeDemoPki(rogue);
    const [genuine] = parseCertificates(readFileSync(this.#files.issuingCertificate, "utf8"));
    if (genuine?.subject.toString() !== issuing.subject.toString()) throw new Error("the names differ");
    await provisionForDemo(stateFiles(rogue), "device", ["thermometer-1"]);
    // The impostor believes the genuine gateway: it is the gateway that has to refuse.
    copyFileSync(this.#files.ca, join(stateFiles(rogue).devices, "ca.pem"));
    return await this.#refusal(this.#connectAs("thermometer-1", { files: stateFiles(rogue).devices }), [
      "bad_signature",
      "unknown_issuer",
    ]);
  }

  async #refuseClientId(): Promise<string> {
    return await this.#refusal(this.#connectAs("thermometer-2", { clientId: "thermometer-1" }), [
      "client_id_mismatch",
    ]);
  }

  async #refuseTopic(): Promise<string> {
    const session = await this.#connectAs("thermometer-2", { clientId: "thermometer-2/liar" });
    const refused = this.#event("publish.refused");
    session.publish(telemetry, "99.9", { qos: 0 }).catch(() => undefined);
    const { reason } = await within(patienceMs, "the refusal", refused);
    await session.close();
    if (reason !== "topic_denied") throw new Error(`refused for another reason: ${reason}`);
    return reason;
  }

  async #revoke(): Promise<string> {
    const closed = this.#event("session.closed");
    const begun = performance.now();
    await revokeForDemo(this.#files, "thermometer-2");
    const revoked = performance.now();
    const { reason, session } = await within(revocationMs, "the end of the session", closed);
    if (reason !== "certificate_revoked" || session.deviceId !== "thermometer-2") {
      throw new Error(`the session of ${session.deviceId} ended: ${reason}`);
    }
    const alive = this.#running.sessions().some((other) => other.deviceId === "thermometer-1");
    if (!alive) throw new Error("the session of thermometer-1 ended too");
    const took = Math.round(performance.now() - revoked);
    return `session ended ${took} ms after the revocation was recorded (which took ${Math.round(revoked - begun)} ms)`;
  }

  async #refuseRevoked(): Promise<string> {
    await this.#session("thermometer-2").close();
    return await this.#refusal(this.#connectAs("thermometer-2"), ["certificate_revoked"]);
  }

  /** The gateway's reason for a refused connection; throws when it let the peer in or had another reason. */
  async #refusal(attempt: Promise<DeviceSession>, reasons: readonly RefusalReason[]): Promise<string> {
    const refused = this.#event("connection.refused");
    await failureOf(attempt, "it was let in");
    const { reason } = await within(patienceMs, "the refusal", refused);
    if (!reasons.includes(reason)) throw new Error(`refused for another reason: ${reason}`);
    return reason;
  }

  async #open(id: string): Promise<DeviceSession> {
    const session = await this.#connectAs(id);
    this.#sessions.set(id, session);
    return session;
  }

  async #connectAs(id: string, options: { files?: string; clientId?: string } = {}): Promise<DeviceSession> {
    const { files = this.#files.devices, clientId = id } = options;
    const [gatewayCertificate] = parseCertificates(readFileSync(this.#files.gatewayCertificate, "utf8"));
    if (gatewayCertificate === undefined) throw new Error("the gateway has no certificate");
    return await connect({
      identity: loadIdentity(identityFiles(files, id)),
      gateway: `localhost:${this.#running.mqttPort}`,
      pins: [spkiPin(gatewayCertificate)],
      clientId,
      cleanSession: true,
      connectTimeoutMs: patienceMs,
    });
  }

  #session(id: string): DeviceSession {
    const session = this.#sessions.get(id);
    if (session === undefined) throw new Error(`${id} is not connected`);
    return session;
  }

  get #running(): Gateway {
    if (this.#gateway === undefined) throw new Error("the gateway does not run");
    return this.#gateway;
  }

  /** The next event of a type. */
  #event<T extends GatewayEvent["type"]>(type: T): Promise<Extract<GatewayEvent, { type: T }>> {
    const gateway = this.#running;
    return new Promise((resolve) => {
      const look = (event: GatewayEvent) => {
        if (!isOfType(event, type)) return;
        gateway.off("event", look);
        resolve(event);
      };
      gateway.on("event", look);
    });
  }
}

function isOfType<T extends GatewayEvent["type"]>(
  event: GatewayEvent,
  type: T,
): event is Extract<GatewayEvent, { type: T }> {
  return event.type === type;
}
