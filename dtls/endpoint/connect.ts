import { isIP } from "node:net";
import { Association } from "../association/association.ts";
import { DtlsError } from "../errors.ts";
import { ClientCore } from "./client-core.ts";
import type { Connection } from "./connection.ts";
import { DTLSEndpoint } from "./endpoint.ts";
import type { ConnectOptions } from "./options.ts";
import { type ConnectPlan, readConnectOptions } from "./read-connect-options.ts";
import { systemEnvironment, systemScheduler } from "./scheduler.ts";
import { DTLSSession } from "./session.ts";
import { resolveHost, UdpSocket } from "./udp-socket.ts";

/** What the system says when there is no way to the host at all: waiting for an answer would be of no use. */
const hopeless: ReadonlySet<string> = new Set([
  "EACCES",
  "EAFNOSUPPORT",
  "EHOSTUNREACH",
  "EINVAL",
  "ENETUNREACH",
  "EPERM",
]);

/**
 * Begins a DTLS 1.2 association with a server, on a socket of its own that lives as long as the session.
 *
 *     const session = connect("gateway.example", 5684, { cert, key, ca });
 *     session.onmessage = (data) => …;
 *     await session.opened;
 *
 * @throws DtlsError DTLS_OPTIONS_INVALID, at once; everything else rejects `opened`
 */
export function connect(host: string, port: number, options: ConnectOptions): DTLSSession {
  const plan = readConnectOptions(host, port, options);
  // Looked up later, when it is a name: the association begins no sooner.
  const server = { address: host, port };
  const core = new ClientCore(plan, server, {
    scheduler: systemScheduler,
    environment: systemEnvironment,
    associations: Association,
    transmit: (datagram, to) => endpoint.transmit(datagram, to),
    onClosed: () => endpoint.destroy(),
    onCallbackError: (thrown) => endpoint.report(thrown),
  });
  const { connection } = core;
  const endpoint = new DTLSEndpoint({
    stats: core.stats,
    get sessions() {
      return connection.isEstablished && !connection.isClosed ? [session] : [];
    },
    isFull: true,
    refusesAll: true,
    receive: (datagram, from) => core.receive(datagram, from),
    recheck: () => core.recheck(),
    exportAssociations: () => {
      throw new DtlsError(
        "DTLS_OPTIONS_INVALID",
        "associations are exported by servers; a client keeps session.session",
      );
    },
    end: (orderly, error) => {
      if (orderly) connection.close();
      else if (error instanceof DtlsError) connection.fail(error);
      else connection.drop();
    },
  });
  const session = new DTLSSession(connection, {
    endpoint,
    acceptsAnyPeer: plan.acceptsAnyPeer,
    resumable: () => core.resumable,
    onRejection: (thrown: unknown, failed: Connection) => failed.callbackFailed(thrown),
    released: () => endpoint.close(),
  });
  connection.session = session;
  void open(endpoint, core, plan, server);
  return session;
}

async function open(
  endpoint: DTLSEndpoint,
  core: ClientCore,
  plan: ConnectPlan,
  server: { address: string },
): Promise<void> {
  try {
    const { address, family } = await resolveHost(plan.host);
    if (plan.socket.host !== undefined && isIP(plan.socket.host) !== family) {
      throw new DtlsError(
        "DTLS_UNREACHABLE",
        `${address} cannot be reached from the address ${plan.socket.host}`,
      );
    }
    server.address = address;
    const socket = new UdpSocket(plan.socket, family, core.stats, {
      onDatagram: (datagram, from) => endpoint.receive(datagram, from),
      onFailure: (error) => endpoint.failed(error),
      onNotSent: (error) => onNotSent(error, core, plan),
    });
    endpoint.attach(socket);
    endpoint.opened(await socket.ready);
    if (!endpoint.destroyed) core.connection.start();
  } catch (error) {
    endpoint.failed(
      error instanceof DtlsError ? error : new DtlsError("DTLS_UNREACHABLE", String(error), { cause: error }),
    );
  }
}

/** Once established, a path may come back; before, the user is told what is wrong. */
function onNotSent(cause: Error, core: ClientCore, plan: ConnectPlan): void {
  core.stats.packetsNotSent += 1;
  const code = "code" in cause ? String(cause.code) : "";
  if (core.connection.isEstablished || !hopeless.has(code)) return;
  core.connection.fail(
    new DtlsError(
      "DTLS_UNREACHABLE",
      `nothing can be sent to ${plan.host} port ${plan.port}: ${cause.message}`,
      { cause },
    ),
  );
}
