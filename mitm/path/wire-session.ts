import { NotDelivered } from "../errors.ts";
import type { Patience } from "../lab/lab.ts";
import type { PairSession } from "../targets.ts";
import { isApplicationRecord } from "./datagram-record.ts";
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

/** @throws NotDelivered where the device does not come */
export async function tcpSessionOnTheWire(watched: Watched<TcpPath>): Promise<PairSession> {
  const { path, nth, patience } = watched;
  const connection = await path.connection(nth, arrivalMs);
  if (connection === undefined) throw new NotDelivered("the device did not connect through the lab");
  const opened = (async () => {
    await path.until(() => tlsHasOpened(connection) || !connection.isOpen, patience.answerMs);
    if (!tlsHasOpened(connection)) return false;
    // In TLS 1.3 an alert that refuses looks like any other record, but the connection ends with it.
    return !(await path.until(() => !connection.isOpen, patience.silenceMs));
  })();
  return {
    opened,
    gatewayGot: undefined,
    deviceGot: undefined,
    ended: path.until(() => !connection.isOpen, arrivalMs).then(() => howTcpEnded(connection)),
    get isOpen() {
      return connection.isOpen && tlsHasOpened(connection);
    },
    close: async () => connection.destroy(),
  };
}

/** @throws NotDelivered where the device does not come */
export async function udpSessionOnTheWire(watched: Watched<UdpPath>): Promise<PairSession> {
  const { path, nth, patience } = watched;
  const flow = await path.flow(nth, arrivalMs);
  if (flow === undefined) throw new NotDelivered("the device did not send anything through the lab");
  const opened = path
    .until(() => dtlsHasOpened(flow) || dtlsAlert(flow) !== undefined, patience.answerMs)
    .then(() => dtlsHasOpened(flow));
  return {
    opened,
    gatewayGot: undefined,
    deviceGot: undefined,
    ended: path
      .until(() => dtlsAlert(flow) !== undefined, arrivalMs)
      .then(() => dtlsAlert(flow) ?? "nothing showed an end"),
    get isOpen() {
      return dtlsHasOpened(flow) && dtlsAlert(flow) === undefined;
    },
    close: async () => undefined,
  };
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

/** RFC 6347 §4.1: application data flows in epoch 1 and above only. */
function dtlsHasOpened(flow: UdpFlow): boolean {
  return flow.from("device").some(({ records }) => records.some(isApplicationRecord));
}

function dtlsAlert(flow: UdpFlow): string | undefined {
  const alert = flow.datagrams.find(({ what }) => /alert/i.test(what));
  return alert && `${alert.what} of the ${alert.from}`;
}
