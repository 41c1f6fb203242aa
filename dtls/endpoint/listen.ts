import { Association } from "../association/association.ts";
import { DtlsError } from "../errors.ts";
import type { Connection } from "./connection.ts";
import { DTLSEndpoint } from "./endpoint.ts";
import { invalid } from "./option-checks.ts";
import type { ListenOptions, Restore } from "./options.ts";
import type { SocketSettings } from "./read-common-options.ts";
import { readListenOptions } from "./read-listen-options.ts";
import { exportAll, type RestoreEvents, restoreAll } from "./restart.ts";
import { systemEnvironment, systemScheduler } from "./scheduler.ts";
import { type Refused, ServerCore } from "./server-core.ts";
import { DTLSSession } from "./session.ts";
import { resolveHost, UdpSocket } from "./udp-socket.ts";

/**
 * Opens a UDP port for DTLS 1.2. `onsession` is given each session when its handshake is complete and its peer
 * verified; nothing else ever gets there. Handshakes run beside each other, none waits for another.
 *
 *     const endpoint = listen((session) => { session.onmessage = (data) => session.send(data); },
 *       { port: 5684, cert, key, ca });
 *     await endpoint.ready;
 *
 * @throws DtlsError DTLS_OPTIONS_INVALID, at once
 */
export function listen(onsession: (session: DTLSSession) => unknown, options: ListenOptions): DTLSEndpoint {
  if (typeof onsession !== "function") throw invalid("listen needs a function that is given the sessions");
  // Apart: it holds keys, and much of memory, and is of no use once it was read.
  const { restore, ...plan } = readListenOptions(options);
  const core = new ServerCore(plan, {
    scheduler: systemScheduler,
    environment: systemEnvironment,
    associations: Association,
    transmit: (datagram, to) => endpoint.transmit(datagram, to),
    makeSession: (connection) => new DTLSSession(connection, parts),
    onSession: announce,
    onRefused: refuse,
    onCallbackError: (thrown) => endpoint.report(thrown),
  });
  const endpoint = new DTLSEndpoint({
    stats: core.stats,
    get sessions() {
      return core.connections.flatMap(({ session }) => (session === undefined ? [] : [session]));
    },
    get isFull() {
      return core.busy;
    },
    get refusesAll() {
      return core.refusesAll;
    },
    set refusesAll(refuses) {
      core.refusesAll = refuses;
    },
    receive: (datagram, from) => core.receive(datagram, from),
    recheck: () => core.recheck(),
    exportAssociations: (key) => exportAll(key, core),
    end: (orderly, error) =>
      core.end((connection) => {
        if (orderly) connection.close();
        else if (error instanceof DtlsError && error.alert === undefined) connection.fail(error);
        else connection.drop();
      }),
  });
  const parts = {
    endpoint,
    acceptsAnyPeer: plan.acceptsAnyPeer,
    resumable: () => undefined,
    onRejection: (thrown: unknown, failed: Connection) => failed.callbackFailed(thrown),
    released: async () => undefined,
  };
  plan.worker?.attach({
    onForwarded: (datagram, from) => guard(() => core.receive(datagram, from, true)),
    onTakenOver: (from) => guard(() => core.takenOver(from)),
    onClose: () => void endpoint.close(),
  });
  void open(endpoint, core, plan.socket, restore, { onSession: announce, onRefused: refuse });
  return endpoint;

  function announce(session: DTLSSession, connection: Connection): void {
    try {
      const result = onsession(session);
      if (result instanceof Promise) {
        result.catch((thrown: unknown) => connection.callbackFailed(thrown));
      }
      endpoint.emit("session", session);
    } catch (thrown) {
      connection.callbackFailed(thrown);
    }
  }

  function guard(work: () => void): void {
    try {
      work();
    } catch (error) {
      endpoint.report(error);
    }
  }

  function refuse(refused: Refused): void {
    try {
      endpoint.emit("refused", refused);
    } catch (thrown) {
      endpoint.report(thrown);
    }
  }
}

async function open(
  endpoint: DTLSEndpoint,
  core: ServerCore,
  settings: SocketSettings,
  restore: Restore | undefined,
  events: RestoreEvents,
): Promise<void> {
  try {
    const { address, family } = await resolveHost(settings.host ?? "::");
    const announce = restore === undefined ? undefined : await restoreAll(restore, core, events);
    // Closed while peers were asked about: those that came after that have to go, too.
    if (endpoint.destroyed) return core.end((connection) => connection.drop());
    const socket = new UdpSocket({ ...settings, host: address }, family, core.stats, {
      onDatagram: (datagram, from) => endpoint.receive(datagram, from),
      onFailure: (error) => endpoint.failed(error),
    });
    endpoint.attach(socket);
    const bound = await socket.ready;
    announce?.();
    endpoint.opened(bound);
  } catch (error) {
    const cause =
      error instanceof DtlsError
        ? error
        : new DtlsError("DTLS_LISTEN_FAILED", String(error), { cause: error });
    endpoint.failed(cause);
  }
}
