import type { Address, ClientSettings, ServerSettings } from "../../../dtls/association/settings.ts";
import { type Suite, suites } from "../../../dtls/crypto/suites.ts";
import { AuthenticatedPeer } from "../../../dtls/handshake/peer.ts";
import type { ResumableSession } from "../../../dtls/handshake/session.ts";
import type { Credential } from "../../../dtls/signer.ts";
import { NamedGroup } from "../../../dtls/wire/registry.ts";
import { Prng } from "../../../mitm/prng.ts";
import { type Application, SessionStore } from "./application.ts";
import {
  deviceCredential,
  impostorOf,
  type KeyKind,
  leafOf,
  rawPublicKey,
  serverCredential,
} from "./credentials.ts";
import { FakeEnvironment } from "./environment.ts";
import { type Faults, Network } from "./network.ts";
import { ClientNode, ServerNode } from "./nodes.ts";
import type { Refragmentation } from "./refragment.ts";
import { clientSettings, connectionIds, serverSettings } from "./settings.ts";
import { Simulation } from "./simulation.ts";

/*
 * One handshake with all that can be chosen about it drawn from a seed: suite, credentials, extensions, sizes, an
 * earlier session, an impostor, and what the network does.
 */

export interface Scenario {
  readonly seed: number;
  readonly suite: Suite;
  readonly keyKind: KeyKind;
  readonly group: NamedGroup;
  readonly rawPublicKeys: boolean;
  readonly resume: "no" | "session id" | "ticket";
  readonly impostor: "nobody" | "client" | "server";
  readonly clientConnectionId: boolean;
  readonly serverConnectionId: boolean;
  readonly returnRoutabilityCheck: boolean;
  readonly mtu: number;
  readonly recordSizeLimit: number | undefined;
  readonly maxFragmentLength: ClientSettings["maxFragmentLength"];
  readonly alpn: boolean;
  readonly answerDelayMs: number;
  readonly faults: Faults;
  readonly rebind: boolean;
}

export interface Outcome {
  readonly scenario: Scenario;
  readonly client: ClientNode;
  readonly server: ServerNode;
  /** Both sides are established. */
  readonly complete: boolean;
  /** What went against the rules; empty when all is well. */
  readonly wrong: readonly string[];
  readonly elapsedMs: number;
}

const handshakeTimeoutMs = 60_000;
const client: Address = { address: "192.0.2.7", port: 50_000 };
const server: Address = { address: "198.51.100.1", port: 5684 };
const psk = Buffer.from("a secret that both have");
const pskIdentity = "d1";
const protocol = "coap";

export function drawScenario(seed: number, loss: number): Scenario {
  const prng = new Prng(seed);
  const keyKind = drawKeyKind(prng);
  const suite = prng.pick(suites.filter((candidate) => fits(candidate, keyKind)));
  const certificates = suite.keyExchange === "ECDHE_ECDSA" || suite.keyExchange === "ECDHE_RSA";
  const serverConnectionId = prng.chance(0.5);
  const recordSizeLimit = prng.chance(0.2) ? prng.pick([64, 256, 1000]) : undefined;
  return {
    seed,
    suite,
    keyKind,
    group: drawGroup(prng),
    rawPublicKeys: certificates && prng.chance(0.15),
    resume: prng.chance(0.3) ? prng.pick(["session id", "ticket"]) : "no",
    impostor: prng.chance(0.1) ? prng.pick(["client", "server"]) : "nobody",
    clientConnectionId: serverConnectionId && prng.chance(0.5),
    serverConnectionId,
    returnRoutabilityCheck: prng.chance(0.5),
    mtu: prng.pick([256, 300, 512, 1200, 1200]),
    recordSizeLimit,
    maxFragmentLength: recordSizeLimit === undefined && prng.chance(0.2) ? prng.pick([512, 1024]) : undefined,
    alpn: prng.chance(0.3),
    answerDelayMs: prng.pick([0, 0, 0, 20, 1500]),
    faults: drawFaults(prng, loss),
    rebind: prng.chance(0.3),
  };
}

/** Runs it to its end: both sides established or closed, then data both ways over a network that is well again. */
export function play(scenario: Scenario): Outcome {
  const stage = new Stage(scenario);
  const { network, simulation } = stage;
  network.setFaults(client, scenario.faults);
  network.setFaults(server, scenario.faults);
  stage.client.start();
  const ended = simulation.runUntil(() => stage.ended, 4 * handshakeTimeoutMs);
  const wrong: string[] = ended ? [] : ["a side neither ended nor was established"];
  const elapsedMs = simulation.now;
  network.heal();
  stage.judge(wrong);
  const { complete } = stage;
  if (complete) stage.exchange(wrong);
  return { scenario, client: stage.client, server: stage.server, complete, wrong, elapsedMs };
}

class Stage {
  readonly simulation = new Simulation();
  readonly network: Network;
  readonly client: ClientNode;
  readonly server: ServerNode;
  readonly #scenario: Scenario;
  readonly #shown: Shown;

  constructor(scenario: Scenario) {
    this.#scenario = scenario;
    const prng = new Prng(scenario.seed + 2 ** 40);
    this.network = new Network(this.simulation, prng);
    const environment = new FakeEnvironment({ now: () => this.simulation.now, prng, keyShares: "fresh" });
    this.#shown = credentialsFor(scenario);
    const earlier =
      scenario.resume === "no" ? undefined : stolen(earlierSession(scenario), scenario.impostor);
    const { answerDelayMs } = scenario;
    this.server = new ServerNode(this.network, {
      address: server,
      environment,
      settings: serverSettingsFor(scenario, prng),
      application: serverApplication(scenario, this.#shown, earlier?.store ?? new SessionStore()),
      answerDelayMs,
    });
    this.client = new ClientNode(this.network, server, {
      address: client,
      environment,
      settings: clientSettingsFor(scenario, prng, earlier?.session),
      application: clientApplication(scenario, this.#shown),
      answerDelayMs,
    });
  }

  /** Every association of the server counts: a client that begins anew leaves none behind. */
  get ended(): boolean {
    const { sessions } = this.server;
    return [this.client.session, ...sessions].every(({ established, closed }) => established || closed);
  }

  get complete(): boolean {
    const { sessions } = this.server;
    return isOpen(this.client.session) && sessions.some(isOpen);
  }

  judge(wrong: string[]): void {
    const { impostor } = this.#scenario;
    const mine = this.client.session;
    for (const session of this.server.sessions) {
      if (impostor === "client" && session.established) wrong.push("the server let an impostor in");
      if (session.established) this.#judgePeer(session.association.peer, "server", wrong);
      if (session.closed && session.association.deadline !== undefined)
        wrong.push("a closed server has a timer");
    }
    if (impostor === "server" && mine.established) wrong.push("the client believed an impostor");
    if (mine.established) this.#judgePeer(mine.association.peer, "client", wrong);
    if (mine.closed && mine.association.deadline !== undefined) wrong.push("a closed client has a timer");
    if (mine.closed && (mine.closedAt ?? 0) > handshakeTimeoutMs) wrong.push("the client failed too late");
    for (const session of this.server.sessions.filter(isOpen)) {
      if (isOpen(mine) && session.association.resumed !== mine.association.resumed) {
        wrong.push("one side resumed and the other did not");
      }
    }
    if (this.complete && !this.#secretsAgree()) wrong.push("the master secrets differ");
  }

  /** An echo, by way of another address if the scenario says so and connection ids allow it; then an orderly end. */
  exchange(wrong: string[]): void {
    this.#echo("one", wrong);
    const { rebind, serverConnectionId } = this.#scenario;
    if (rebind && serverConnectionId) {
      this.network.rebind(client, { address: "203.0.113.9", port: 1024 });
      this.#echo("from elsewhere", wrong);
      this.#echo("and again", wrong);
      const moved = this.server.sessions.some(
        ({ association }) => association.address.address === "203.0.113.9",
      );
      if (!moved) wrong.push("the server did not follow the client to its new address");
    }
    this.client.session.act((it) => it.close());
    this.simulation.runFor(1000);
    if (!this.client.session.closed) wrong.push("the client did not close");
    if (this.server.sessions.some(isOpen)) wrong.push("the server did not close after close_notify");
    if (this.client.session.error)
      wrong.push(`an orderly close had an error: ${this.client.session.error.code}`);
  }

  #echo(text: string, wrong: string[]): void {
    const before = this.client.session.received.length;
    this.client.send(Buffer.from(text));
    this.simulation.runFor(5000);
    const [answer] = this.client.session.received.slice(before);
    if (Buffer.from(answer ?? []).toString() !== text) wrong.push(`no echo of "${text}"`);
  }

  #judgePeer(peer: AuthenticatedPeer | undefined, side: "client" | "server", wrong: string[]): void {
    if (!AuthenticatedPeer.is(peer)) {
      wrong.push(`the ${side} is established without a peer`);
      return;
    }
    const expected = side === "client" ? this.#shown.server : this.#shown.client;
    if (expected === undefined) {
      if (peer.certificateType !== "PSK") wrong.push(`the ${side} has a peer by ${peer.certificateType}`);
      if (side === "server" && Buffer.from(peer.pskIdentity ?? []).toString() !== pskIdentity) {
        wrong.push("the server has another PSK identity");
      }
    } else if (Buffer.compare(peer.chain[0] ?? new Uint8Array(), leafOf(expected)) !== 0) {
      wrong.push(`the ${side} has a peer with another certificate`);
    }
  }

  #secretsAgree(): boolean {
    const exported = (session: { association: ClientNode["session"]["association"] }): string =>
      Buffer.from(session.association.exportKeyingMaterial("EXPORTER-test", 32)).toString("hex");
    const mine = exported(this.client.session);
    return this.server.sessions.filter(isOpen).some((session) => exported(session) === mine);
  }
}

interface Shown {
  readonly client: Credential | undefined;
  readonly server: Credential | undefined;
}

function credentialsFor({ suite, keyKind, rawPublicKeys }: Scenario): Shown {
  if (suite.keyExchange === "PSK" || suite.keyExchange === "ECDHE_PSK") {
    return { client: undefined, server: undefined };
  }
  const shown = { client: deviceCredential(keyKind), server: serverCredential(keyKind) };
  if (!rawPublicKeys) return shown;
  return { client: rawPublicKey(shown.client), server: rawPublicKey(shown.server) };
}

function serverApplication(scenario: Scenario, shown: Shown, sessions: SessionStore): Application {
  const { impostor, keyKind } = scenario;
  const own = impostor === "server" && shown.server ? impostorOf(shown.server, keyKind) : shown.server;
  return {
    credentials: own ? [own] : [],
    known: new Map(shown.client ? [["d1", shown.client]] : []),
    pskStore: new Map([[pskIdentity, impostor === "server" ? Buffer.from("another") : psk]]),
    sessions,
  };
}

function clientApplication({ impostor, keyKind }: Scenario, shown: Shown): Application {
  const own = impostor === "client" && shown.client ? impostorOf(shown.client, keyKind) : shown.client;
  return {
    credentials: own ? [own] : [],
    known: new Map(shown.server ? [["the gateway", shown.server]] : []),
    psk: { identity: pskIdentity, key: impostor === "client" ? Buffer.from("another") : psk },
  };
}

function commonSettings(scenario: Scenario) {
  const { suite, group, rawPublicKeys, mtu, recordSizeLimit, alpn } = scenario;
  const types: ("X509" | "RawPublicKey")[] = rawPublicKeys ? ["RawPublicKey"] : ["X509"];
  return {
    cipherSuites: [suite],
    // P-256 always: certificates of that curve ask for it (RFC 8422 §5.1).
    groups: [group, ...[NamedGroup.secp256r1, NamedGroup.secp384r1].filter((other) => other !== group)],
    peerCertificateTypes: types,
    ownCertificateTypes: types,
    mtu,
    recordSizeLimit,
    alpnProtocols: alpn ? [protocol] : [],
    handshakeTimeoutMs,
    returnRoutabilityCheck: scenario.returnRoutabilityCheck,
  };
}

function serverSettingsFor(scenario: Scenario, prng: Prng): ServerSettings {
  return serverSettings({
    ...commonSettings(scenario),
    connectionIds: scenario.serverConnectionId ? connectionIds(prng) : undefined,
    sessionIds: scenario.resume === "session id",
    sessionTickets: scenario.resume === "ticket",
  });
}

function clientSettingsFor(
  scenario: Scenario,
  prng: Prng,
  session: ResumableSession | undefined,
): ClientSettings {
  // An empty id: the client sends the server's and wants none itself.
  const ids = { length: 0, make: () => new Uint8Array() };
  return clientSettings({
    ...commonSettings(scenario),
    connectionIds: scenario.clientConnectionId
      ? connectionIds(prng, 4)
      : scenario.serverConnectionId
        ? ids
        : undefined,
    maxFragmentLength: scenario.maxFragmentLength,
    sessionTickets: scenario.resume === "ticket",
    session,
  });
}

/** What an honest full handshake over a good network left behind on both sides. */
interface Earlier {
  readonly store: SessionStore;
  readonly session: ResumableSession;
}

const earlierSessions = new Map<string, Earlier>();

/** Made once for each kind, since a session may be resumed more than once. */
function earlierSession(scenario: Scenario): Earlier {
  const { suite, keyKind, rawPublicKeys, resume, alpn } = scenario;
  const key = [suite.id, keyKind, rawPublicKeys, resume, alpn].join(" ");
  let earlier = earlierSessions.get(key);
  if (earlier === undefined) {
    const store = new SessionStore();
    earlier = { store, session: firstHandshake({ ...scenario, impostor: "nobody" }, store) };
    earlierSessions.set(key, earlier);
  }
  return earlier;
}

/** An impostor may know a session's id or ticket, which were in the clear, and never its secret. */
function stolen({ store, session }: Earlier, impostor: Scenario["impostor"]): Earlier {
  const guess = (it: ResumableSession): ResumableSession => ({ ...it, masterSecret: new Uint8Array(48) });
  switch (impostor) {
    case "nobody":
      return { store, session };
    case "client":
      return { store, session: guess(session) };
    case "server":
      return { store: store.altered(guess), session };
  }
}

function firstHandshake(scenario: Scenario, store: SessionStore): ResumableSession {
  const simulation = new Simulation();
  const prng = new Prng(scenario.seed);
  const network = new Network(simulation, prng);
  const environment = new FakeEnvironment({ now: () => simulation.now, prng, keyShares: "fresh" });
  const shown = credentialsFor(scenario);
  const node = new ServerNode(network, {
    address: server,
    environment,
    settings: serverSettingsFor(scenario, prng),
    application: serverApplication(scenario, shown, store),
  });
  const { session } = new ClientNode(network, server, {
    address: client,
    environment,
    settings: clientSettingsFor(scenario, prng, undefined),
    application: clientApplication(scenario, shown),
  });
  session.act((it) => it.start());
  simulation.runUntil(() => session.established && node.last.established, handshakeTimeoutMs);
  if (session.resumable === undefined) {
    throw new Error(
      `no session to resume: ${session.error?.message ?? "none was output"} (${scenario.suite.name})`,
    );
  }
  return session.resumable;
}

function drawKeyKind(prng: Prng): KeyKind {
  const roll = prng.below(100);
  if (roll < 80) return "p256";
  if (roll < 88) return "ed25519";
  return roll < 96 ? "rsa:2048" : "p384";
}

function drawGroup(prng: Prng): NamedGroup {
  const roll = prng.below(100);
  if (roll < 60) return NamedGroup.secp256r1;
  return roll < 97 ? NamedGroup.x25519 : NamedGroup.secp384r1;
}

function fits(suite: Suite, keyKind: KeyKind): boolean {
  if (suite.keyExchange === "ECDHE_RSA") return keyKind === "rsa:2048";
  return suite.keyExchange !== "ECDHE_ECDSA" || keyKind !== "rsa:2048";
}

function drawFaults(prng: Prng, loss: number): Faults {
  const faults = {
    drop: loss,
    duplicate: prng.chance(0.5) ? 0.2 : 0,
    reorder: prng.chance(0.5) ? 0.3 : 0,
    reorderMs: prng.pick([50, 500, 3000]),
    latencyMs: prng.pick([0, 5, 100, 400]),
    corrupt: loss > 0 && prng.chance(0.1) ? 0.05 : 0,
  };
  return prng.chance(0.3) ? { ...faults, refragment: drawRefragmentation(prng) } : faults;
}

function drawRefragmentation(prng: Prng): Refragmentation {
  const pieceBytes = prng.pick([20, 50, 120, 300]);
  return {
    pieceBytes,
    overlapBytes: prng.pick([0, 1, 10]),
    apart: prng.chance(0.5),
    shuffle: prng.chance(0.5),
  };
}

function isOpen({ established, closed }: { established: boolean; closed: boolean }): boolean {
  return established && !closed;
}
