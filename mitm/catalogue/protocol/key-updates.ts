import { broken, type Finding, held } from "../../attack.ts";
import type { DeviceLab } from "../../lab/device-lab.ts";
import type { GatewayLab } from "../../lab/gateway-lab.ts";
import type { TlsClient } from "../../tls/client.ts";
import type { TlsServer } from "../../tls/server.ts";
import { clientOf, helloOver } from "./at-version.ts";

const flood = 100;

/** A session of TLS 1.3 that the gateway has taken. */
export async function sessionWithGateway(lab: GatewayLab): Promise<TlsClient> {
  const client = await clientOf(lab, "TLS 1.3");
  const result = await client.handshake();
  const entry = result.completed ? await lab.hello(client) : { admitted: false, how: result.how };
  if (!entry.admitted) throw new Error(`no session for an identity that is a good one: ${entry.how}`);
  return client;
}

/** A session of TLS 1.3 that the device has taken. */
export async function sessionWithDevice(lab: DeviceLab): Promise<TlsServer> {
  const server = await lab.acceptTls({ versions: ["TLS 1.3"] });
  const failed = await helloOver(server, "TLS 1.3");
  const result = failed ?? (await server.finish());
  if (!result.completed) throw new Error(`no session with the honest gateway: ${result.how}`);
  return server;
}

/**
 * RFC 8446 §4.6.3: who gets several KeyUpdates before it speaks may answer them with one. Whoever answers each keeps an
 * answer for each in its memory, for a peer that does not read.
 */
export async function floodOfKeyUpdates<L extends GatewayLab | DeviceLab>(
  lab: L,
  open: (lab: L) => Promise<TlsClient | TlsServer>,
): Promise<Finding> {
  const end = await open(lab);
  for (let sent = 0; sent < flood; sent += 1) end.sendKeyUpdate(true, { attack: true });
  const deadline = performance.now() + lab.patience.silenceMs;
  let ended: string | undefined;
  while (performance.now() < deadline && ended === undefined) {
    const next = await end.receive(Math.max(1, deadline - performance.now()));
    if (next.kind === "closed") ended = next.how;
    if (next.kind === "alert") ended = `alert ${next.alert}`;
  }
  const answers = lab.recorder.steps.filter(
    ({ connection, from, what }) => connection === end.connection && from !== "lab" && what === "KeyUpdate",
  ).length;
  if (answers > flood / 2) return broken(`${answers} of ${flood} KeyUpdates were answered one by one`);
  return held(
    `${answers} of ${flood} KeyUpdates were answered${ended === undefined ? "" : `; then: ${ended}`}`,
  );
}
