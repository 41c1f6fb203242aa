import type { Association } from "../../../dtls/association/association.ts";
import type { DiscardReason, Output } from "../../../dtls/association/outputs.ts";
import type { Address } from "../../../dtls/association/settings.ts";
import type { DtlsError } from "../../../dtls/errors.ts";
import type { ResumableSession } from "../../../dtls/handshake/session.ts";
import { type Application, answerAs } from "./application.ts";
import type { Simulation } from "./simulation.ts";

/** An association in the simulation: its outputs carried out, its timer kept, everything it said written down. */
export class Session {
  readonly association: Association;
  readonly received: Uint8Array[] = [];
  readonly discarded: DiscardReason[] = [];
  readonly moves: Address[] = [];
  readonly outputs: Output["type"][] = [];
  /** What the client may keep to resume. */
  resumable: ResumableSession | undefined;
  established = false;
  establishedAt: number | undefined;
  closed = false;
  closedAt: number | undefined;
  error: DtlsError | undefined;
  onestablished: (() => void) | undefined;
  onclosed: (() => void) | undefined;
  ondata: ((data: Uint8Array) => void) | undefined;
  readonly #host: Host;
  #wakeAt = Number.POSITIVE_INFINITY;

  constructor(association: Association, host: Host) {
    this.association = association;
    this.#host = host;
  }

  /** Anything that a test does to the association, and what follows from it. */
  act<T>(action: (association: Association) => T): T {
    try {
      return action(this.association);
    } finally {
      this.#settle();
    }
  }

  #settle(): void {
    for (let outputs = this.association.takeOutputs(); outputs.length > 0; ) {
      for (const output of outputs) this.#carryOut(output);
      outputs = this.association.takeOutputs();
    }
    this.#setTimer();
  }

  #carryOut(output: Output): void {
    if (this.closed) throw new Error(`an output came after "closed": ${output.type}`);
    this.outputs.push(output.type);
    const { simulation } = this.#host;
    switch (output.type) {
      case "datagram":
        this.#host.send(output.bytes, output.to);
        return;
      case "request": {
        const answer = answerAs(this.#host.application, output.request);
        const { id } = output.request;
        if (this.#host.answerDelayMs === 0) this.association.answer(id, answer);
        else simulation.after(this.#host.answerDelayMs, () => this.act((it) => it.answer(id, answer)));
        return;
      }
      case "established":
        if (this.established) throw new Error('a second "established"');
        this.established = true;
        this.establishedAt = simulation.now;
        this.onestablished?.();
        return;
      case "data":
        if (!this.established) throw new Error('data before "established"');
        this.received.push(Uint8Array.from(output.bytes));
        this.ondata?.(output.bytes);
        return;
      case "address":
        this.moves.push(output.to);
        return;
      case "session":
        this.resumable = output.session;
        return;
      case "discarded":
        this.discarded.push(output.reason);
        return;
      case "closed":
        this.closed = true;
        this.closedAt = simulation.now;
        this.error = output.error;
        this.onclosed?.();
        return;
      case "keylog":
    }
  }

  #setTimer(): void {
    const { deadline } = this.association;
    if (deadline === undefined || deadline >= this.#wakeAt) return;
    this.#wakeAt = deadline;
    this.#host.simulation.at(deadline, () => {
      this.#wakeAt = Number.POSITIVE_INFINITY;
      this.act((association) => {
        const due = association.deadline;
        if (due !== undefined && due <= this.#host.simulation.now) association.handleTimeout();
      });
    });
  }
}

/** What carries an association: a node of a network, or a test alone. */
export interface Host {
  readonly simulation: Simulation;
  readonly send: (bytes: Uint8Array, to: Address) => void;
  readonly application: Application;
  /** 0: within the call; more: that much later, as a token or a database would. */
  readonly answerDelayMs: number;
}
