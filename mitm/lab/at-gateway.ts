import { parseCertificate, readIdentity } from "../../pki/index.ts";
import { broken, type Finding, held, inconclusive } from "../attack.ts";
import { DtlsClient, type DtlsClientOptions } from "../dtls/client.ts";
import type { Address, Credential, HandshakeResult, ScriptedEnd } from "../endpoint.ts";
import { NotApplicable } from "../errors.ts";
import { Forge } from "../mint/forge.ts";
import { LabPki } from "../mint/lab-pki.ts";
import { clientIdOf, MqttPeer } from "../mqtt/peer.ts";
import { RawTcp } from "../path/raw-tcp.ts";
import { RawUdp } from "../path/raw-udp.ts";
import type { Application, DeviceAccount, GatewayTarget } from "../targets.ts";
import { TlsClient, type TlsClientOptions } from "../tls/client.ts";
import { greet } from "./application.ts";
import type { EnterOptions, GatewayLab } from "./gateway-lab.ts";
import type { Entry } from "./lab.ts";
import { LabBase, type LabOptions } from "./lab-base.ts";

export class LabAtGateway extends LabBase implements GatewayLab {
  readonly target: GatewayTarget;
  readonly attacker: DeviceAccount;
  readonly #forge: Forge | undefined;
  readonly #victimRefused: string | undefined;
  /** What the target had said before this lab began: of other cases. */
  readonly #saidBefore: { readonly count: number; readonly last: string | undefined };

  /** @param victimRefused how the target refused the victim's own good identity, if it did */
  constructor(options: LabOptions, target: GatewayTarget, forge: Forge | undefined, victimRefused?: string) {
    super(options);
    this.#victimRefused = victimRefused;
    this.target = target;
    this.attacker = target.attacker;
    this.#forge = forge;
    const said = target.refusals?.() ?? [];
    this.#saidBefore = { count: said.length, last: said.at(-1) };
  }

  get victim(): DeviceAccount {
    if (this.#victimRefused !== undefined) {
      throw new Error(
        `the target does not let ${this.target.victim?.deviceId} in, whose own identity it is (${this.#victimRefused}): ` +
          "that it refuses an attacker who says to be it shows nothing",
      );
    }
    if (this.target.victim !== undefined) return this.target.victim;
    throw new NotApplicable("a second device's identity is needed, to be attacked: --victim");
  }

  get forge(): Forge {
    if (this.#forge !== undefined) return this.#forge;
    throw new NotApplicable(
      "a CA that the target trusts is needed, to mis-issue from: --lab-ca, or --dangerously-use-real-ca",
    );
  }

  async strangers(): Promise<Forge> {
    if (this.#forge !== undefined) return this.#forge;
    const trustDomain = trustDomainOf(this.attacker);
    return new Forge(await LabPki.create(trustDomain === undefined ? {} : { trustDomain }));
  }

  async enter(credential: Credential | undefined, options: EnterOptions = {}): Promise<Entry> {
    const isOwn = credential === this.attacker.credential;
    const marks = options.marks ?? (isOwn ? [] : ["Certificate"]);
    const end =
      this.transport === "tls"
        ? await this.tls({ credential, marks, ...options.tls })
        : await this.dtls({ credential, marks, ...options.dtls });
    try {
      const result = await end.handshake();
      if (!result.completed) return refused(result);
      return await this.#hello(end, options.clientId, result.version !== "TLS 1.3");
    } finally {
      takeLeave(end);
    }
  }

  async tls(options: Partial<TlsClientOptions> = {}): Promise<TlsClient> {
    const client = await TlsClient.connect(this.#endpoint("tls"), { ...this.#common, ...options });
    this.defer(() => client.destroy());
    return client;
  }

  async dtls(options: Partial<DtlsClientOptions> = {}): Promise<DtlsClient> {
    const client = await DtlsClient.connect(this.#endpoint("dtls"), { ...this.#common, ...options });
    this.defer(() => client.leave());
    return client;
  }

  async tcp(): Promise<RawTcp> {
    const raw = await RawTcp.connect(this.#endpoint("tls"), {
      ...this.#ends,
      timeoutMs: this.patience.answerMs,
    });
    this.defer(() => raw.destroy());
    return raw;
  }

  async udp(): Promise<RawUdp> {
    const raw = await RawUdp.connect(this.#endpoint("dtls"), this.#ends);
    this.defer(() => raw.destroy());
    return raw;
  }

  async hello(end: ScriptedEnd, clientId?: string): Promise<Entry> {
    return await this.#hello(end, clientId, false);
  }

  async mqtt(account: DeviceAccount = this.attacker): Promise<MqttPeer> {
    if (this.transport !== "tls" || this.#endpoint("tls").application !== "mqtt") {
      throw new NotApplicable("the target does not speak MQTT");
    }
    const end = await this.tls({ credential: account.credential });
    const result = await end.handshake();
    if (!result.completed) {
      throw new Error(`no session for ${account.deviceId}, whose identity is a good one: ${result.how}`);
    }
    return new MqttPeer(end, {
      clientId: clientIdOf(account),
      login: account.login,
      patience: this.patience,
      recorder: this.recorder,
    });
  }

  judge(entry: Entry): Finding {
    if (entry.admitted) return broken(`let in: ${entry.how}`);
    if (entry.byThisEnd === true) return inconclusive(notRefused(entry));
    const { how, refusedAt, alert } = entry;
    const said = this.#saidSince();
    return held(said === undefined ? how : `${how}; the target says: ${said}`, { refusedAt, alert });
  }

  #saidSince(): string | undefined {
    const said = this.target.refusals?.() ?? [];
    const last = said.at(-1);
    const isNew = said.length !== this.#saidBefore.count || last !== this.#saidBefore.last;
    return isNew ? last : undefined;
  }

  async #hello(end: ScriptedEnd, clientId: string | undefined, finishedLast: boolean): Promise<Entry> {
    return await greet(end, {
      application: this.#endpoint(this.transport).application,
      clientId: clientId ?? clientIdOf(this.attacker),
      login: this.attacker.login,
      patience: this.patience,
      recorder: this.recorder,
      finishedLast,
    });
  }

  get #ends() {
    return { recorder: this.recorder, self: "lab", peer: "gateway" } as const;
  }

  get #common() {
    return {
      ...this.#ends,
      credential: this.attacker.credential,
      tolerates: "everything",
      answerMs: this.patience.answerMs,
      serverName: this.target.serverName,
    } as const;
  }

  #endpoint(transport: "tls" | "dtls"): Address & { readonly application: Application } {
    const endpoint = this.target.endpoints[transport];
    if (endpoint === undefined)
      throw new NotApplicable(`the target has no ${transport.toUpperCase()} endpoint`);
    return endpoint;
  }
}

/** Ends a connection so that the target notices: one that serves one peer at a time would keep the next one waiting. */
export function takeLeave(end: TlsClient | DtlsClient): void {
  if (end instanceof DtlsClient) end.leave();
  else end.close();
}

/** A handshake that did not come about, as an entry that was refused. */
export function refused(result: Extract<HandshakeResult, { completed: false }>): Entry {
  const { how, refusedAt, alert, byThisEnd } = result;
  return { admitted: false, how, refusedAt, alert, ...(byThisEnd && { byThisEnd }) };
}

/** What is known of a target whose answer the lab could not go on with: it has not refused. */
export function notRefused({ how }: Entry): string {
  return `the target did not refuse: it was the lab that could not go on (${how})`;
}

/** That of a device of Sallyport's; undefined for one that is named in another way. */
function trustDomainOf({ credential }: DeviceAccount): string | undefined {
  const [leaf] = credential.chain;
  try {
    return leaf === undefined ? undefined : readIdentity(parseCertificate(leaf)).trustDomain;
  } catch {
    return undefined;
  }
}
