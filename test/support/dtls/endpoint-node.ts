import { Association } from "../../../dtls/association/association.ts";
import type { Address, Environment } from "../../../dtls/association/settings.ts";
import { DTLSEndpoint } from "../../../dtls/endpoint/endpoint.ts";
import type { ListenOptions } from "../../../dtls/endpoint/options.ts";
import { readListenOptions } from "../../../dtls/endpoint/read-listen-options.ts";
import type { Scheduler } from "../../../dtls/endpoint/scheduler.ts";
import { ServerCore } from "../../../dtls/endpoint/server-core.ts";
import { DTLSSession } from "../../../dtls/endpoint/session.ts";
import { DtlsError } from "../../../dtls/errors.ts";
import type { Credential } from "../../../dtls/signer.ts";
import { leafOf, serverCredential } from "./credentials.ts";
import type { Simulation } from "./simulation.ts";

export interface EndpointNodeOptions {
  readonly simulation: Simulation;
  readonly environment: Environment;
  readonly transmit: (datagram: Uint8Array, to: Address) => void;
  /** Peers that are let in. */
  readonly known: readonly Credential[];
  readonly listen?: Omit<ListenOptions, "port">;
}

/** The server's endpoint as `listen` puts it together, on fake time and without a socket; it sends data back. */
export class EndpointNode {
  readonly core: ServerCore;
  /** How many handshakes were refused, by the code of the error. */
  readonly refused = new Map<string, number>();
  readonly callbackErrors: unknown[] = [];
  readonly sessions = new Set<DTLSSession>();
  echo = true;

  constructor({ simulation, environment, transmit, known, listen = {} }: EndpointNodeOptions) {
    const leaves = new Set(known.map((credential) => Buffer.from(leafOf(credential)).toString("latin1")));
    const plan = readListenOptions({
      port: 5684,
      credentials: serverCredential(),
      verifyPeer: ({ certificateType, chain }) => {
        if (certificateType === "PSK" || leaves.has(Buffer.from(chain[0] ?? []).toString("latin1")))
          return "known";
        throw new DtlsError("DTLS_UNKNOWN_CA", "a certificate that this test knows nothing of");
      },
      expiresAt: () => undefined,
      ...listen,
    });
    const core = new ServerCore(plan, {
      scheduler: schedulerOn(simulation),
      environment,
      associations: Association,
      transmit,
      makeSession: (connection) =>
        new DTLSSession(connection, {
          endpoint,
          acceptsAnyPeer: false,
          resumable: () => undefined,
          onRejection: (thrown) => core.onCallbackError(thrown, connection),
          released: async () => undefined,
        }),
      onSession: (session) => this.#welcome(session),
      onRefused: ({ error: { code } }) => void this.refused.set(code, (this.refused.get(code) ?? 0) + 1),
      onCallbackError: (thrown) => void this.callbackErrors.push(thrown),
    });
    // Sessions have one; datagrams go around it, so that what escapes from the core is seen.
    const endpoint = new DTLSEndpoint({
      stats: core.stats,
      sessions: [],
      isFull: false,
      refusesAll: false,
      receive: () => undefined,
      recheck: () => core.recheck(),
      exportAssociations: () => new Uint8Array(),
      end: () => undefined,
    });
    this.core = core;
  }

  receive(datagram: Uint8Array, from: Address): void {
    this.core.receive(datagram, from);
  }

  #welcome(session: DTLSSession): void {
    this.sessions.add(session);
    session.on("message", (data) => {
      if (this.echo) session.send(data);
    });
    session.on("close", () => this.sessions.delete(session));
  }
}

function schedulerOn(simulation: Simulation): Scheduler {
  return {
    now: () => simulation.now,
    after(delayMs, callback) {
      let call: (() => void) | undefined = callback;
      simulation.after(delayMs, () => call?.());
      return () => {
        call = undefined;
      };
    },
    every(intervalMs, callback) {
      let going = true;
      const again = (): void => {
        if (!going) return;
        callback();
        simulation.after(intervalMs, again);
      };
      simulation.after(intervalMs, again);
      return () => {
        going = false;
      };
    },
    endOfTurn: (callback) => simulation.after(0, callback),
  };
}
