import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { CommonOptions } from "../../../dtls/index.ts";
import { until } from "../until.ts";
import { type Cell, cells, titleOf } from "./cells.ts";
import { type Credentials, makeCredentials } from "./credentials.ts";
import { exchange, ourClient, ourServer, outcomeOf } from "./ours.ts";
import { type Call, hasEnded, type Peer, serve, stop, talk } from "./peer.ts";
import { freePort } from "./ports.ts";

/** How long a cell that cannot be has to show that it can. */
const patienceMs = 1500;

/** One test for each cell of a peer: every suite, both roles. `options` are for our side. */
export function testSuites(peer: Peer, options: CommonOptions = {}): void {
  let credentials: Credentials;
  beforeAll(async () => {
    credentials = await makeCredentials();
  });
  afterAll(() => credentials[Symbol.dispose]());

  describe.skipIf(peer.missing !== "")(`${peer.name}, suite by suite${why(peer)}`, () => {
    for (const cell of cells.filter(({ peer: name }) => name === peer.name)) {
      test.concurrent(titleOf(cell), async () => {
        const established = await (cell.role === "server"
          ? theyCall(peer, cell, credentials, options)
          : weCall(peer, cell, credentials, options));
        expect(established, cell.cannot === undefined ? "runs" : "does not run").toBe(
          cell.cannot === undefined,
        );
      });
    }
  });
}

/** Whether their client got through to our server, in the suite that it should be. */
async function theyCall(
  peer: Peer,
  cell: Cell,
  credentials: Credentials,
  options: CommonOptions,
): Promise<boolean> {
  const call = { credentials, credential: cell.credential, suite: cell.suite };
  await using server = await ourServer(peer.speech, call, options);
  if (cell.cannot !== undefined) {
    const client = peer.client(server.port, call);
    const through = () => server.sessions.length > 0 && peer.heard.test(client.output());
    const end = performance.now() + patienceMs;
    await until("the client is done", () => hasEnded(client) || through() || performance.now() > end);
    await stop(client);
    return through();
  }
  const client = await talk(peer, server.port, call);
  try {
    const session = await server.first();
    expect(session.cipher?.standardName).toBe(cell.suite.name);
    expectPeer(session.peer?.certificateType, cell);
    return true;
  } finally {
    await stop(client);
  }
}

/** Whether our client got through to their server. */
async function weCall(
  peer: Peer,
  cell: Cell,
  credentials: Credentials,
  options: CommonOptions,
): Promise<boolean> {
  if (peer.server === undefined) return false;
  const call = { credentials, credential: cell.credential, suite: cell.suite };
  if (cell.cannot !== undefined) return await weCallInVain(peer, call, options);
  const { running, port } = await serve(peer, await freePort(), call);
  const session = ourClient(port, call, options);
  try {
    await session.opened;
    expect(session.cipher?.standardName).toBe(cell.suite.name);
    expectPeer(session.peer?.certificateType, cell);
    await exchange(session, peer.speech);
    await session.close();
    return true;
  } catch (cause) {
    throw new Error(`with a server that said: ${running.output()}`, { cause });
  } finally {
    session.destroy();
    await stop(running);
  }
}

async function weCallInVain(peer: Peer, call: Call, options: CommonOptions): Promise<boolean> {
  const serving = await serve(peer, await freePort(), call).catch(() => undefined);
  if (serving === undefined) return false;
  const session = ourClient(serving.port, call, { ...options, handshakeTimeout: patienceMs });
  try {
    return (await outcomeOf(session)) === "established";
  } finally {
    session.destroy();
    await stop(serving.running);
  }
}

function expectPeer(type: string | undefined, { credential }: Cell): void {
  if (credential === "PSK") expect(type).toBe("PSK");
  else expect(type).toBe(credential === "raw public key" ? "RawPublicKey" : "X509");
}

function why({ missing }: Peer): string {
  return missing === "" ? "" : ` (skipped: ${missing})`;
}
