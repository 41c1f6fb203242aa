import { generateKeyPairSync } from "node:crypto";
import type { Received, ScriptedEnd } from "../../../../mitm/endpoint.ts";
import { NotApplicable } from "../../../../mitm/errors.ts";
import type { GatewayLab } from "../../../../mitm/lab/gateway-lab.ts";
import { MqttPeer } from "../../../../mitm/mqtt/peer.ts";
import { Prng } from "../../../../mitm/prng.ts";
import { Recorder } from "../../../../mitm/record/recorder.ts";
import type { DeviceAccount, GatewayTarget } from "../../../../mitm/targets.ts";
import { TwinBroker } from "../../../../mitm/twins/broker.ts";

/** One end of a connection in memory: what one sends, the other receives, whole. */
export class FakeEnd implements ScriptedEnd {
  readonly connection: number;
  other: FakeEnd | undefined;
  /** Notes of what was sent as the attack. */
  readonly attacks: string[] = [];
  readonly #recorder: Recorder | undefined;
  readonly #received: Received[] = [];
  #wake: (() => void) | undefined;
  #isOpen = true;

  constructor(connection: number, recorder?: Recorder) {
    this.connection = connection;
    this.#recorder = recorder;
  }

  handshake(): never {
    throw new Error("unreachable: there is none");
  }

  send(data: Uint8Array, options: { readonly attack?: boolean; readonly note?: string } = {}): void {
    if (!this.#isOpen) return;
    const { attack = false, note = "application data" } = options;
    const sent = { connection: this.connection, what: "application data", note, attack } as const;
    this.#recorder?.step({ ...sent, from: "lab", to: "gateway" });
    this.other?.push({ kind: "data", data: Uint8Array.from(data) });
  }

  push(received: Received): void {
    this.#received.push(received);
    this.#wake?.();
  }

  async receive(timeoutMs: number): Promise<Received> {
    if (this.#received.length === 0) {
      const woken = Promise.withResolvers<undefined>();
      this.#wake = () => woken.resolve(undefined);
      const timer = setTimeout(() => woken.resolve(undefined), timeoutMs);
      await woken.promise;
      clearTimeout(timer);
    }
    const [first] = this.#received;
    if (first?.kind === "data") {
      this.#recorder?.step({
        connection: this.connection,
        from: "gateway",
        to: "lab",
        what: "application data",
      });
    }
    if (first?.kind !== "closed") this.#received.shift();
    return first ?? { kind: "silence" };
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.other?.push({ kind: "closed", how: "close_notify" });
    this.push({ kind: "closed", how: "closed by this end" });
  }

  destroy(): void {
    this.close();
  }
}

export function connectedEnds(recorder?: Recorder, connection = 1): [FakeEnd, FakeEnd] {
  const [near, far] = [new FakeEnd(connection, recorder), new FakeEnd(connection)];
  near.other = far;
  far.other = near;
  return [near, far];
}

const key = generateKeyPairSync("ed25519").privateKey;
const patience = { answerMs: 300, silenceMs: 40 } as const;

/** A lab at a twin broker, with connections in memory: whose they are is simply said. */
export function fakeLab(weaknesses: readonly string[], given: { readonly operator?: boolean } = {}) {
  const broker = new TwinBroker({
    tolerates: new Set(weaknesses),
    operatorIds: ["backend"],
    helloTimeoutMs: 60,
  });
  const recorder = new Recorder();
  const account = (deviceId: string): DeviceAccount => ({
    deviceId,
    credential: { name: deviceId, chain: [Buffer.from(deviceId)], key },
  });
  const [attacker, victim] = [account("attacker"), account("victim")];
  const target: GatewayTarget = {
    name: "twin broker",
    endpoints: {},
    serverName: undefined,
    attacker,
    victim,
    operator: given.operator === false ? undefined : account("backend"),
    helloTimeoutMs: 60,
    register: async () => undefined,
    revoke: async (certificate) => broker.withdraw(Buffer.from(certificate).toString()),
  };
  const unused = (): never => {
    throw new NotApplicable("not in this lab");
  };
  let connections = 0;
  const forge = { device: async ({ id }: { readonly id: string }) => account(id).credential };
  const lab: GatewayLab = {
    target,
    attacker,
    victim,
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- all that these attacks ask of it
    forge: forge as unknown as GatewayLab["forge"],
    strangers: unused,
    transport: "tls",
    prng: new Prng(1),
    recorder,
    patience,
    signal: new AbortController().signal,
    defer: () => undefined,
    enter: unused,
    tls: unused,
    dtls: unused,
    tcp: unused,
    udp: unused,
    hello: unused,
    judge: unused,
    async mqtt(who = attacker) {
      connections += 1;
      const [near, far] = connectedEnds(recorder, connections);
      // The handshake, which is none here.
      recorder.step({ connection: connections, from: "gateway", to: "lab", what: "Finished" });
      void broker.serve(far, who.deviceId);
      return new MqttPeer(near, { clientId: who.deviceId, patience, recorder });
    },
  };
  return { lab, broker, recorder };
}
