import type { DeviceAttack, Finding, Transport } from "../attack.ts";
import { LabAtDevice } from "../lab/at-device.ts";
import { LabAtGateway } from "../lab/at-gateway.ts";
import { LabAtPair } from "../lab/at-pair.ts";
import type { LabOptions } from "../lab/lab-base.ts";
import { clientIdOf } from "../mqtt/peer.ts";
import { Recorder } from "../record/recorder.ts";
import { type AttemptOptions, within } from "./attempt.ts";
import type { Case } from "./case.ts";
import type { OpenDevice, OpenGateway, OpenPair, Source } from "./sources.ts";
import type { Control, Ending } from "./verdict.ts";

export interface Attacked {
  readonly finding: Finding;
  readonly next?: string | undefined;
}

/** How the honest twin fared, its duration aside. */
type Honest = Omit<Control, "ms">;

/** One target, and the cases that are run on it one after another. */
export abstract class Lane {
  readonly #lastControls = new Map<Transport, Control>();

  abstract attack(one: Case, lab: LabOptions): Promise<Attacked>;
  protected abstract honest(lab: LabOptions): Promise<Honest>;
  abstract close(): Promise<void>;

  /** The valid twin: the same as the attacks do, with nothing wrong in it. */
  async control(transport: Transport, options: AttemptOptions): Promise<Honest> {
    const { ending, value } = await within(options, transport, (lab) => this.honest(lab));
    if (value !== undefined) return value;
    return { ok: false, how: howOf(ending), ...(ending.kind === "not delivered" && { absent: true }) };
  }

  /** What came after one case comes before the next. */
  remember(transport: Transport, control: Control): void {
    if (control.ok) this.#lastControls.set(transport, control);
    else this.#lastControls.delete(transport);
  }

  lastControl(transport: Transport): Control | undefined {
    return this.#lastControls.get(transport);
  }
}

export async function openLane(source: Source, one: Case): Promise<Lane> {
  if (source.side === "gateway") {
    // A twin is made for the case, and knows its devices; one that serves a single peer cannot be asked.
    const asksForVictim = source.perCase !== true && source.servesOnce !== true;
    return new GatewayLane(await source.open(one), asksForVictim);
  }
  if (source.side === "device") return new DeviceLane(await source.open(one));
  return new PairLane(await source.open(one));
}

class GatewayLane extends Lane {
  readonly #open: OpenGateway;
  readonly #asksForVictim: boolean;
  /** How the victim was refused, who had its own good identity; by transport, undefined where it was let in. */
  readonly #victimRefused = new Map<Transport, string | undefined>();

  constructor(open: OpenGateway, asksForVictim: boolean) {
    super();
    this.#open = open;
    this.#asksForVictim = asksForVictim;
  }

  override async attack({ attack }: Case, options: LabOptions): Promise<Attacked> {
    if (attack.side !== "gateway") throw wrongSide(attack.side);
    const victimRefused = await this.#refusalOfVictim(options);
    await using lab = this.#lab(options, victimRefused);
    return { finding: await attack.run(lab) };
  }

  /** The valid twin of all attacks on another device: that device itself. Asked once. */
  async #refusalOfVictim(options: LabOptions): Promise<string | undefined> {
    const { transport } = options;
    const { victim } = this.#open.target;
    if (victim === undefined || !this.#asksForVictim) return undefined;
    if (!this.#victimRefused.has(transport)) {
      await using lab = this.#lab({ ...options, recorder: new Recorder() });
      const { admitted, how } = await lab.enter(victim.credential, { clientId: clientIdOf(victim) });
      this.#victimRefused.set(transport, admitted ? undefined : how);
    }
    return this.#victimRefused.get(transport);
  }

  protected override async honest(options: LabOptions): Promise<Honest> {
    await using lab = this.#lab(options);
    const { admitted: ok, how } = await lab.enter(lab.attacker.credential);
    return { ok, how };
  }

  override async close(): Promise<void> {
    await this.#open.target.close?.();
  }

  #lab(options: LabOptions, victimRefused?: string): LabAtGateway {
    return new LabAtGateway(options, this.#open.target, this.#open.forge, victimRefused);
  }
}

class DeviceLane extends Lane {
  readonly #open: OpenDevice;

  constructor(open: OpenDevice) {
    super();
    this.#open = open;
  }

  override async attack({ attack }: Case, options: LabOptions): Promise<Attacked> {
    if (attack.side !== "device") throw wrongSide(attack.side);
    const { finding, next } = await this.#run(attack, options);
    // One that dials by itself does so once the attack's connections are closed.
    return { finding, next: next ?? (await this.#dialsAgain(options)) };
  }

  async #run(attack: DeviceAttack, options: LabOptions): Promise<Attacked> {
    await using lab = new LabAtDevice(options, this.#open);
    const finding = await attack.run(lab);
    return { finding, next: await lab.next() };
  }

  async #dialsAgain({ patience, signal }: LabOptions): Promise<string | undefined> {
    const { target, door } = this.#open;
    if (target.dial !== undefined) return undefined;
    const began = performance.now();
    const came = await door.arrived(patience.answerMs, signal);
    return came ? `dialled again after ${Math.round(performance.now() - began)} ms` : undefined;
  }

  protected override async honest(options: LabOptions): Promise<Honest> {
    await using lab = new LabAtDevice(options, this.#open);
    const { admitted: ok, how } = await lab.serve(lab.gateway);
    return { ok, how };
  }

  override async close(): Promise<void> {
    await this.#open.door[Symbol.asyncDispose]();
    await this.#open.target.close?.();
  }
}

class PairLane extends Lane {
  readonly #open: OpenPair;

  constructor(open: OpenPair) {
    super();
    this.#open = open;
  }

  override async attack({ attack }: Case, options: LabOptions): Promise<Attacked> {
    if (attack.side !== "pair") throw wrongSide(attack.side);
    await using lab = this.#lab(options);
    return { finding: await attack.run(lab) };
  }

  protected override async honest(options: LabOptions): Promise<Honest> {
    await using lab = this.#lab(options);
    const path = await (options.transport === "tls" ? lab.tcpPath() : lab.udpPath());
    const session = await lab.session(path);
    if (!(await session.opened)) return { ok: false, how: "no session came about" };
    if (session.deviceSays === undefined) return { ok: true, how: "a session came about" };
    const ok = await lab.exchange(session);
    return { ok, how: ok ? "a text arrived, once and unchanged" : "a text did not arrive" };
  }

  override async close(): Promise<void> {
    await this.#open.target.close?.();
  }

  #lab(options: LabOptions): LabAtPair {
    return new LabAtPair(options, this.#open.target, this.#open.listen);
  }
}

function wrongSide(side: string): Error {
  return new Error(`an attack on a ${side} was given to another target`);
}

function howOf(ending: Ending): string {
  return ending.kind === "finding" ? ending.finding.how : ending.how;
}
