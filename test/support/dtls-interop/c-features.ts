import { expect } from "vitest";
import { until } from "../until.ts";
import { serverRestarts, withCertificates, withTheirClient, withTheirServer } from "./common-features.ts";
import type { FeatureTest, FeatureTests } from "./feature-tests.ts";
import { exchange, ourClient, ourServer } from "./ours.ts";
import { type Call, type Peer, said, serve, stop, talk } from "./peer.ts";
import { freePort } from "./ports.ts";
import { startRelay } from "./relay.ts";
import { ourClientResumes, ourServerResumes } from "./resumption.ts";

/** Features of our small C programs, on whichever library. */
export const cFeatures: Readonly<Record<"server" | "client", FeatureTests>> = {
  server: {
    ...withTheirClient,
    "resumption by ticket": ourServerResumes("ticket", twice),
    "resumption by session id": ourServerResumes("session id", twice),
    "max_fragment_length of 512 bytes": async (peer, credentials) => {
      const call = withCertificates(credentials);
      await using our = await ourServer(peer.speech, call);
      await stop(await talk(peer, our.port, { ...call, flags: ["--max-fragment", "512"] }));
      expect((await our.first()).maxMessageSize).toBe(512);
    },
    "our side closes, and the peer hears it": async (peer, credentials) => {
      const call = withCertificates(credentials);
      await using our = await ourServer(peer.speech, call);
      const client = await talk(peer, our.port, { ...call, flags: ["--linger"] });
      await (await our.first()).close();
      expect((await client.ended()).exitCode).toBe(0);
    },
    "the client closes, and our side hears it": async (peer, credentials) => {
      const call = withCertificates(credentials);
      await using our = await ourServer(peer.speech, call);
      await talk(peer, our.port, call);
      await (await our.first()).closed;
    },
    "our server restarts, and the session goes on": serverRestarts(
      { flags: ["--messages", "2", "--pause", "1500"] },
      async (client) => {
        await said(client, /^echo[^]*^echo/m);
      },
    ),
    "a connection ID on what the client sends": theyUseConnectionId(0),
    "connection IDs in both directions": theyUseConnectionId(5),
    "the client moves to another port, and is known by its connection ID": theyMove(0),
    "the client moves, with connection IDs in both directions": theyMove(5),
  },
  client: {
    ...withTheirServer,
    "resumption by ticket": ourClientResumes("ticket", []),
    "resumption by session id": ourClientResumes("session id", []),
    "max_fragment_length of 512 bytes": async (peer, credentials) => {
      await withServer(peer, withCertificates(credentials), { maxFragmentLength: 512 }, (session) => {
        expect(session.maxMessageSize).toBe(512);
      });
    },
    "our side closes, and the peer hears it": async (peer, credentials) => {
      await withServer(peer, withCertificates(credentials), {}, async (session, running) => {
        await session.close();
        await said(running, /^closed$/m);
      });
    },
    "a client that lost its state comes back from the same port": async (peer, credentials) => {
      const bindPort = await freePort();
      await withServer(peer, withCertificates(credentials), { bindPort }, async (session, running, port) => {
        session.destroy();
        const again = ourClient(port, withCertificates(credentials), { bindPort });
        await again.opened;
        await exchange(again, peer.speech);
        await again.close();
        await said(running, /^established[^]*^established/m);
      });
    },
    "a connection ID on what the client sends": async (peer, credentials) => {
      const call = { ...withCertificates(credentials), flags: ["--cid", "6"] };
      await withServer(peer, call, {}, async (_session, running) => {
        await said(running, /^established \S+ cid=6 peer-cid=0 /m);
      });
    },
    "the client moves to another port, and is known by its connection ID": async (peer, credentials) => {
      const call = withCertificates(credentials);
      const { running, port } = await serve(peer, await freePort(), { ...call, flags: ["--cid", "6"] });
      await using relay = await startRelay(port);
      const session = ourClient(relay.port, call);
      try {
        await session.opened;
        await exchange(session, peer.speech);
        const moved = await relay.rebind();
        await exchange(session, peer.speech);
        await said(running, new RegExp(`^rebound ${moved}$`, "m"));
      } finally {
        session.destroy();
        await stop(running);
      }
    },
  },
};

async function twice(peer: Peer, port: number, call: Call): Promise<void> {
  const client = peer.client(port, { ...call, flags: ["--resume"] });
  const { exitCode, output } = await client.ended();
  expect(exitCode, output).toBe(0);
  expect([...output.matchAll(/^established .* resumed=(\d)$/gm)].map(([, resumed]) => resumed)).toEqual([
    "0",
    "1",
  ]);
}

/** `length`: of the connection id that the client wants to receive. Ours has eight bytes. */
function theyUseConnectionId(length: number): FeatureTest {
  return async (peer, credentials) => {
    const call = withCertificates(credentials);
    await using our = await ourServer(peer.speech, call);
    await using relay = await startRelay(our.port);
    const client = await talk(peer, relay.port, { ...call, flags: ["--cid", String(length)] });
    await stop(client);
    expect(client.output()).toMatch(new RegExp(`^established \\S+ cid=${length} peer-cid=8 `, "m"));
    // RFC 9146 §4: content type tls12_cid on every protected record of a direction that has an id, on none without.
    expect(relay.fromClient.some(([type]) => type === 25)).toBe(true);
    expect(relay.fromServer.some(([type]) => type === 25)).toBe(length > 0);
  };
}

function theyMove(length: number): FeatureTest {
  return async (peer, credentials) => {
    const call = withCertificates(credentials);
    await using our = await ourServer(peer.speech, call);
    const client = peer.client(our.port, { ...call, flags: ["--cid", String(length), "--rebind"] });
    const { exitCode, output } = await client.ended();
    expect(exitCode, output).toBe(0);
    const [, port] = /^rebound (\d+)$/m.exec(output) ?? [];
    expect(output.match(/^echo/gm)).toHaveLength(2);
    await until("our server hears the end", () => our.sessions[0]?.destroyed === true);
    expect(our.endpoint.stats.addressChanges).toBe(1);
    expect(our.sessions.map(({ remoteAddress }) => remoteAddress.port)).toEqual([Number(port)]);
  };
}

async function withServer(
  peer: Peer,
  call: Call,
  options: Parameters<typeof ourClient>[2],
  check: (
    session: ReturnType<typeof ourClient>,
    running: Awaited<ReturnType<typeof talk>>,
    port: number,
  ) => Promise<void> | void,
): Promise<void> {
  const { running, port } = await serve(peer, await freePort(), call);
  const session = ourClient(port, call, options);
  try {
    await session.opened;
    await exchange(session, peer.speech);
    await check(session, running, port);
  } finally {
    session.destroy();
    await stop(running);
  }
}
