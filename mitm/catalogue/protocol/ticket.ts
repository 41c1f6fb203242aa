import { NotApplicable } from "../../errors.ts";
import type { GatewayLab } from "../../lab/gateway-lab.ts";
import type { Entry } from "../../lab/lab.ts";
import type { DeviceAccount } from "../../targets.ts";
import type { TlsClient, TlsClientOptions } from "../../tls/client.ts";
import type { TlsVersion } from "../../tls/numbers.ts";
import type { TlsSession } from "../../tls/session.ts";
import { requireVersion } from "./at-version.ts";

/*
 * A gateway that forgets what a ticket stands for takes it for a certificate. Whoever comes back with one here shows no
 * certificate beside it, so that nothing else can let it in.
 */

/**
 * A session of this device, which the gateway let in, and its ticket; shown to resume as it is.
 * @throws NotApplicable where the gateway gives no tickets, or takes none
 */
export async function sessionOf(
  lab: GatewayLab,
  version: TlsVersion,
  account: DeviceAccount = lab.attacker,
  options: Partial<TlsClientOptions> = {},
): Promise<TlsSession> {
  await requireVersion(lab, version);
  const { credential, deviceId } = account;
  const client = await lab.tls({ versions: [version], credential, ...options });
  const session = await ticketOf(lab, client, deviceId);
  if (session === undefined) throw new NotApplicable(`the target gives no tickets over ${version}`);
  const again = await lab.tls({ versions: [version], credential, session, ...options });
  const result = await again.handshake();
  again.destroy();
  if (!result.completed || !result.resumed) {
    throw new NotApplicable(`the target does not resume its own tickets over ${version}`);
  }
  return session;
}

/** The ticket that comes with an honest session; undefined where none does. */
export async function ticketOf(
  lab: GatewayLab,
  client: TlsClient,
  deviceId: string,
): Promise<TlsSession | undefined> {
  const result = await client.handshake();
  if (!result.completed) throw new Error(`no session for an identity that is a good one: ${result.how}`);
  const { admitted, how } = await lab.hello(client, deviceId);
  if (!admitted) throw new Error(`no session for an identity that is a good one: ${how}`);
  if (client.sessions.length === 0) await client.receive(lab.patience.silenceMs);
  client.destroy();
  return client.sessions.at(-1);
}

export interface Comeback extends Entry {
  readonly resumed: boolean;
}

/** Comes back with a ticket and no certificate; admitted is who was let in by the ticket. */
export async function comeBack(
  lab: GatewayLab,
  session: TlsSession,
  options: Partial<TlsClientOptions> & { readonly clientId?: string } = {},
): Promise<Comeback> {
  const { clientId, ...tls } = options;
  const client = await lab.tls({
    versions: [session.version],
    credential: undefined,
    session,
    marks: ["ClientHello"],
    ...tls,
  });
  const result = await client.handshake();
  if (!result.completed) return { admitted: false, resumed: false, ...result };
  const entry = await lab.hello(client, clientId);
  return {
    ...entry,
    resumed: result.resumed,
    how: result.resumed ? entry.how : `a full handshake, then ${entry.how}`,
  };
}
