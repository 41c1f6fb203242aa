import { randomBytes } from "node:crypto";
import { expect } from "vitest";
import type { Running } from "../programs.ts";
import { until } from "../until.ts";
import type { Credentials } from "./credentials.ts";
import type { FeatureTest, FeatureTests } from "./feature-tests.ts";
import { exchange, ourClient, ourServer, outcomeOf } from "./ours.ts";
import { type Call, type Group, hasEnded, type Peer, serve, stop, talk } from "./peer.ts";
import { freePort } from "./ports.ts";
import { isPartOfHandshakeMessage, startRelay, type Weather } from "./relay.ts";

/** RFC 6347 §4.2.4: what a network may do to a handshake without ending it. */
const weathers: Readonly<Record<string, Weather>> = {
  "every datagram arrives twice": { copies: () => 2 },
  // The ClientHello, the one with the cookie, and the first datagram of the server's flight.
  "lost datagrams are made up for": {
    copies: (from, index) => ((from === "client" ? [0, 2] : [1]).includes(index) ? 0 : 1),
  },
  "datagrams of 300 bytes come in reverse order": { reverseMs: 30 },
};

/** Features that are tested alike with every peer: their client at our server. */
export const withTheirClient: FeatureTests = {
  "a certificate of another CA is refused by our side": refusesThem({ identity: "evil" }, "DTLS_UNKNOWN_CA"),
  "a client without a certificate is refused": refusesThem({ identity: "none" }, "DTLS_NO_CERTIFICATE"),
  "a certificate of another CA, ours, is refused by theirs": async (peer, credentials) => {
    const call = withCertificates(credentials);
    await using server = await ourServer(peer.speech, { ...call, identity: "evil" });
    const client = peer.client(server.port, call);
    await until("our server is told", () => server.refused.length > 0 || server.sessions.length > 0);
    await stop(client);
    expect(server.refused[0]).toBe("DTLS_PEER_ALERT");
    expect(server.sessions).toEqual([]);
  },
  "another raw public key is refused by our side": async (peer, credentials) => {
    const call = { credentials, credential: "raw public key" } as const;
    await using server = await ourServer(peer.speech, call);
    const client = peer.client(server.port, { ...call, identity: "evil" });
    await until("our server refuses", () => server.refused.length > 0 || server.sessions.length > 0);
    await stop(client);
    expect(server.refused).toEqual(["DTLS_CERTIFICATE_UNKNOWN"]);
  },
  "another pre-shared key is refused": async (peer, credentials) => {
    const call = { credentials, credential: "PSK" } as const;
    await using server = await ourServer(peer.speech, call);
    const client = peer.client(server.port, { ...call, psk: credentials.wrongPsk });
    await until("our server notices", () => server.refused.length > 0 || server.sessions.length > 0);
    await stop(client);
    expect(server.refused[0]).toMatch(/^DTLS_(PSK_MISMATCH|PEER_ALERT|BAD_FINISHED)$/);
    expect(server.sessions).toEqual([]);
  },
  ...onEachGroup(async (group, peer, credentials) => {
    const call = { credentials, credential: "RSA", group } as const;
    await using server = await ourServer(peer.speech, call, { groups: [group] });
    await stop(await talk(peer, server.port, call));
  }),
  "flights in datagrams of 300 bytes, messages in fragments": async (peer, credentials) => {
    const call = withCertificates(credentials);
    await using server = await ourServer(peer.speech, call, { mtu: 300 });
    await using relay = await startRelay(server.port);
    await stop(await talk(peer, relay.port, { ...call, mtu: 300 }));
    expectFragments(relay.fromServer, relay.fromClient);
  },
  ...inEachWeather(async (weather, peer, credentials) => {
    const call = { ...withCertificates(credentials), ...sizeIn(weather) };
    await using server = await ourServer(peer.speech, call, sizeIn(weather));
    await using relay = await startRelay(server.port, weather);
    await stop(await talk(peer, relay.port, call));
    expect(server.endpoint.stats.handshakesFull).toBe(1);
  }),
};

/** The same: our client with their server. */
export const withTheirServer: FeatureTests = {
  "a certificate of another CA is refused by our side": async (peer, credentials) => {
    const call = withCertificates(credentials);
    expect(await outcomeWith(peer, { ...call, identity: "evil" }, call)).toBe("DTLS_UNKNOWN_CA");
  },
  "a server of another name is refused": async (peer, credentials) => {
    const call = withCertificates(credentials);
    const outcome = await outcomeWith(peer, call, call, { servername: "other.example" });
    expect(outcome).toBe("DTLS_BAD_CERTIFICATE");
  },
  "a certificate of another CA, ours, is refused by theirs": async (peer, credentials) => {
    const call = withCertificates(credentials);
    expect(await outcomeWith(peer, call, { ...call, identity: "evil" })).toBe("DTLS_PEER_ALERT");
  },
  "another raw public key is refused by our side": async (peer, credentials) => {
    const call = { credentials, credential: "raw public key" } as const;
    expect(await outcomeWith(peer, { ...call, identity: "evil" }, call)).toBe("DTLS_CERTIFICATE_UNKNOWN");
  },
  "another pre-shared key is refused": async (peer, credentials) => {
    const call = { credentials, credential: "PSK" } as const;
    const ours = { ...call, psk: credentials.wrongPsk };
    const outcome = await outcomeWith(peer, call, ours, { handshakeTimeout: 2500 });
    // Some servers say what is wrong, others drop the Finished that they cannot open.
    expect(outcome).toMatch(/^DTLS_(PEER_ALERT|PSK_MISMATCH|HANDSHAKE_TIMEOUT)$/);
  },
  ...onEachGroup(async (group, peer, credentials) => {
    const call = { credentials, credential: "RSA", group } as const;
    expect(await outcomeWith(peer, call, call, { groups: [group] })).toBe("established");
  }),
  "flights in datagrams of 300 bytes, messages in fragments": async (peer, credentials) => {
    const call = withCertificates(credentials);
    const { running, port } = await serve(peer, await freePort(), { ...call, mtu: 300 });
    await using relay = await startRelay(port);
    const session = ourClient(relay.port, call, { mtu: 300 });
    try {
      await session.opened;
      await exchange(session, peer.speech);
      expectFragments(relay.fromClient, relay.fromServer);
    } finally {
      session.destroy();
      await stop(running);
    }
  },
  ...inEachWeather(async (weather, peer, credentials) => {
    const call = { ...withCertificates(credentials), ...sizeIn(weather) };
    const { running, port } = await serve(peer, await freePort(), call);
    await using relay = await startRelay(port, weather);
    const session = ourClient(relay.port, call, sizeIn(weather));
    try {
      await session.opened;
      await exchange(session, peer.speech);
    } finally {
      session.destroy();
      await stop(running);
    }
  }),
};

/** `clientGoesOn` makes the client talk once more, and resolves when it was answered. */
export function serverRestarts<P extends Peer>(
  theirs: Pick<Call, "flags">,
  clientGoesOn: (client: Running) => Promise<void>,
): FeatureTest<P> {
  return async (peer, credentials) => {
    const call = withCertificates(credentials);
    const before = await ourServer(peer.speech, call);
    const client = await talk(peer, before.port, { ...call, ...theirs });
    const key = randomBytes(32);
    const restore = { key, associations: await before.endpoint.exportAssociations(key) };
    await using after = await ourServer(peer.speech, call, { port: before.port, restore });
    await clientGoesOn(client);
    expect(after.endpoint.stats).toMatchObject({ restored: 1, handshakesStarted: 0 });
    await stop(client);
  };
}

export function withCertificates(credentials: Credentials): Call {
  return { credentials, credential: "P-256" };
}

/** What becomes of our client with their server; where it is established, it also says something. */
export async function outcomeWith(
  peer: Peer,
  theirs: Call,
  ours: Call,
  over: Parameters<typeof ourClient>[2] = {},
): Promise<string> {
  const { running, port } = await serve(peer, await freePort(), theirs);
  const session = ourClient(port, ours, over);
  try {
    const outcome = await outcomeOf(session);
    if (outcome === "established") await exchange(session, peer.speech);
    return outcome;
  } finally {
    session.destroy();
    await stop(running);
  }
}

function refusesThem(theirs: Pick<Call, "identity">, code: string): FeatureTest {
  return async (peer, credentials) => {
    const call = withCertificates(credentials);
    await using server = await ourServer(peer.speech, call);
    const client = peer.client(server.port, { ...call, ...theirs });
    await until("our server refuses", () => server.refused.length > 0 || server.sessions.length > 0);
    expect(server.refused[0]).toBe(code);
    expect(server.sessions).toEqual([]);
    // An honest client gets in beside it.
    await stop(await talk(peer, server.port, call));
    await until("the refused client ends", () => hasEnded(client), 1000).catch(() => undefined);
    await stop(client);
    expect(client.output()).not.toMatch(peer.heard);
  };
}

/** With RSA certificates: an ECDSA certificate needs its own curve among the groups (RFC 8422 §5.1.1). */
function onEachGroup(
  run: (group: Group, peer: Peer, credentials: Credentials) => Promise<void>,
): FeatureTests {
  const groups: readonly Group[] = ["x25519", "secp256r1", "secp384r1"];
  return Object.fromEntries(
    groups.map((group): [string, FeatureTest] => [
      `key agreement on ${group}`,
      async (peer, credentials) => await run(group, peer, credentials),
    ]),
  );
}

function inEachWeather(
  run: (weather: Weather, peer: Peer, credentials: Credentials) => Promise<void>,
): FeatureTests {
  return Object.fromEntries(
    Object.entries(weathers).map(([name, weather]): [string, FeatureTest] => [
      name,
      async (peer, credentials) => await run(weather, peer, credentials),
    ]),
  );
}

/** Several datagrams to a flight, where their order counts. */
function sizeIn({ reverseMs }: Weather): { mtu?: number } {
  return reverseMs === undefined ? {} : { mtu: 300 };
}

/** Certificates do not fit into these datagrams. Some programs never cut their ClientHello. */
function expectFragments(ours: readonly Uint8Array[], theirs: readonly Uint8Array[]): void {
  expect(Math.max(...ours.map(({ length }) => length))).toBeLessThanOrEqual(300);
  for (const datagrams of [ours, theirs]) {
    expect(datagrams.some((datagram) => isPartOfHandshakeMessage(datagram))).toBe(true);
  }
}
