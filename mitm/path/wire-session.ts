import { NotDelivered } from "../errors.ts";
import type { Patience } from "../lab/lab.ts";
import type { PairSession } from "../targets.ts";
import { applicationRecordIn } from "./datagram-record.ts";
import type { TcpConnection } from "./tcp-connection.ts";
import type { TcpPath } from "./tcp-proxy.ts";
import { TlsContentType } from "./tls-record.ts";
import type { UdpFlow } from "./udp-flow.ts";
import type { UdpPath } from "./udp-relay.ts";

/*
 * Sessions between ends that the lab cannot ask: a board on a desk, somebody's gateway. Whether one is open is judged
 * from what passes; what the ends say stays theirs.
 */

interface Watched<Path> {
  readonly path: Path;
  /** Which of the path's connections or flows it will be, counted from 0. */
  readonly nth: number;
  readonly patience: Patience;
  readonly signal: AbortSignal;
}

/** A device that dials by itself does so when it likes; the deadline of the case ends the wait. */
const arrivalMs = 600_000;
/** How many times the patience for one answer a device may take for a session, with all its attempts. */
const attempts = 4;

/** @throws NotDelivered where the device does not come */
export async function tcpSessionOnTheWire(watched: Watched<TcpPath>): Promise<PairSession> {
  const { path, nth, patience } = watched;
  if ((await path.connection(nth, arrivalMs)) === undefined) {
    throw new NotDelivered("the device did not connect through the lab");
  }
  const candidates = () => path.connections.slice(nth);
  const opened = () => candidates().find((connection) => connection.isOpen && tlsHasOpened(connection));
  return sessionOf({
    path,
    // In TLS 1.3 an alert that refuses looks like any other record, but the connection ends with it.
    opened: () => opens(path, opened, (connection) => !connection.isOpen, patience),
    noneCame: "no session came about",
    hasEnded: (connection) => !connection.isOpen,
    howEnded: howTcpEnded,
    destroy: () => candidates().at(-1)?.destroy(),
  });
}

/** @throws NotDelivered where the device does not come */
export async function udpSessionOnTheWire(watched: Watched<UdpPath>): Promise<PairSession> {
  const { path, nth, patience } = watched;
  if ((await path.flow(nth, arrivalMs)) === undefined) {
    throw new NotDelivered("the device did not send anything through the lab");
  }
  const opened = () => path.flows.slice(nth).find((flow) => dtlsHasOpened(flow));
  return sessionOf({
    path,
    opened: async () => {
      await path.until(() => opened() !== undefined, attempts * patience.answerMs);
      return opened();
    },
    // Without a handshake there is none, however much passes.
    noneCame: "no session came about: the device has to begin one anew, not to go on with one from before",
    hasEnded: (flow) => dtlsAlert(flow) !== undefined,
    howEnded: (flow) => dtlsAlert(flow) ?? "nothing showed an end",
    destroy: () => undefined,
  });
}

interface Seen<Connection> {
  readonly path: { until(holds: () => boolean, timeoutMs: number): Promise<boolean> };
  /** The first one on which a session came about. */
  readonly opened: () => Promise<Connection | undefined>;
  readonly noneCame: string;
  readonly hasEnded: (connection: Connection) => boolean;
  readonly howEnded: (connection: Connection) => string;
  readonly destroy: () => void;
}

function sessionOf<Connection>(seen: Seen<Connection>): PairSession {
  let connection: Connection | undefined;
  const found = seen.opened().then((one) => {
    connection = one;
    return one;
  });
  return {
    opened: found.then((one) => one !== undefined),
    gatewayGot: undefined,
    deviceGot: undefined,
    ended: found.then(async (one) => {
      if (one === undefined) return seen.noneCame;
      await seen.path.until(() => seen.hasEnded(one), arrivalMs);
      return seen.howEnded(one);
    }),
    get isOpen() {
      return connection !== undefined && !seen.hasEnded(connection);
    },
    close: async () => seen.destroy(),
  };
}

/** The first connection that opens and stays so for a while, of however many attempts. */
async function opens(
  path: TcpPath,
  opened: () => TcpConnection | undefined,
  hasEnded: (connection: TcpConnection) => boolean,
  { answerMs, silenceMs }: Patience,
): Promise<TcpConnection | undefined> {
  const deadline = performance.now() + attempts * answerMs;
  for (;;) {
    await path.until(() => opened() !== undefined, deadline - performance.now());
    const connection = opened();
    if (connection === undefined) return undefined;
    if (!(await path.until(() => hasEnded(connection), silenceMs))) return connection;
  }
}

/**
 * RFC 8446 §2: the gateway's second protected flight comes after the device's first, which proves who it is. In TLS
 * 1.2, application data comes after both Finished.
 */
function tlsHasOpened({ records }: TcpConnection): boolean {
  const proof = records.findIndex(({ from, isProtected }) => from === "device" && isProtected);
  if (proof < 0) return false;
  const later = records.slice(proof + 1);
  const isTls12 = records.some(
    ({ contentType, isProtected }) => contentType === TlsContentType.handshake && isProtected,
  );
  return later.some(
    ({ from, contentType }) =>
      contentType === TlsContentType.applicationData && (isTls12 || from === "gateway"),
  );
}

function howTcpEnded(connection: TcpConnection): string {
  const alert = connection.records.findLast(({ what }) => /alert/i.test(what));
  if (alert !== undefined) return `${alert.what} of the ${alert.from}`;
  const first = connection.ended("device") === undefined ? "gateway" : "device";
  return `the ${first} closed the connection`;
}

/** Application data of the device after the gateway's Finished. */
function dtlsHasOpened({ datagrams }: UdpFlow): boolean {
  const finished = datagrams.findIndex(
    ({ from, records }) => from === "gateway" && records.some(({ epoch }) => epoch > 0),
  );
  if (finished < 0) return false;
  return datagrams
    .slice(finished)
    .some(({ from, records }) => from === "device" && applicationRecordIn(records) !== undefined);
}

function dtlsAlert(flow: UdpFlow): string | undefined {
  const alert = flow.datagrams.find(({ what }) => /alert/i.test(what));
  return alert && `${alert.what} of the ${alert.from}`;
}
