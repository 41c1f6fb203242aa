import { randomBytes } from "node:crypto";
import { setImmediate } from "node:timers/promises";
import { expect, test } from "vitest";
import { type DTLSSession, DtlsError, type ListenOptions, listen } from "../../dtls/index.ts";
import { heapUsed } from "../support/dtls/heap.ts";
import { device, server, startEcho } from "../support/dtls-loopback.ts";
import { until } from "../support/until.ts";

const key = randomBytes(32);
const acceptAll: Partial<ListenOptions> = { verifyPeer: () => "somebody" };

/** The associations of `clients` at an endpoint that is gone. */
async function exported(
  options: Partial<ListenOptions>,
  clients: readonly Parameters<Awaited<ReturnType<typeof startEcho>>["connect"]>[0][],
): Promise<Uint8Array> {
  const before = await startEcho(options);
  const sessions = clients.map((client) => before.connect(client));
  await Promise.all(sessions.map(({ opened }) => opened));
  await until("all are there", () => before.sessions.length === clients.length);
  const associations = await before.endpoint.exportAssociations(key);
  for (const session of sessions) session.destroy();
  return associations;
}

/** What comes of it at an endpoint with these options. */
async function restored(options: Partial<ListenOptions>, associations: Uint8Array) {
  const refused: string[] = [];
  const sessions: DTLSSession[] = [];
  const endpoint = listen((session) => sessions.push(session), {
    port: 0,
    ...server,
    restore: { key, associations },
    ...options,
  });
  endpoint.on("refused", ({ error }) => refused.push(error.code));
  await endpoint.ready;
  await endpoint.close();
  return { sessions, refused };
}

test("what a handshake would not come to any more is not restored (U3, A1)", async () => {
  const anonymous = await exported({ ...acceptAll, dangerouslyAllowAnonymousClients: "requested" }, [{}]);
  expect(await restored(acceptAll, anonymous)).toEqual({ sessions: [], refused: ["DTLS_NO_CERTIFICATE"] });
  expect(
    (await restored({ ...acceptAll, dangerouslyAllowAnonymousClients: "requested" }, anonymous)).refused,
  ).toEqual([]);
  const proven = await exported(acceptAll, [device()]);
  expect((await restored({ ...acceptAll, ciphers: "ECDHE-ECDSA-AES256-CCM" }, proven)).refused).toEqual([
    "DTLS_NO_COMMON_SUITE",
  ]);
  expect((await restored({ ...acceptAll, peerCertificateTypes: ["RawPublicKey"] }, proven)).refused).toEqual([
    "DTLS_UNSUPPORTED_CERTIFICATE",
  ]);
  expect((await restored(acceptAll, proven)).sessions).toHaveLength(1);
});

test("a peer that recheck refuses while the restored ones are still asked about does not come back (U3, U11)", async () => {
  const associations = await exported(acceptAll, [device()]);
  const asked = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<void>();
  let revoked = false;
  const sessions: DTLSSession[] = [];
  const endpoint = listen((session) => sessions.push(session), {
    port: 0,
    ...server,
    restore: { key, associations },
    verifyPeer: async () => {
      // As a look-up that reads at once and says so later.
      const isRevoked = revoked;
      asked.resolve();
      await answer.promise;
      if (isRevoked) throw new DtlsError("DTLS_CERTIFICATE_REVOKED", "revoked");
      return "somebody";
    },
  });
  await asked.promise;
  revoked = true;
  await endpoint.recheck();
  answer.resolve();
  await endpoint.ready;
  await until("it is gone", () => [...endpoint.sessions].length === 0);
  expect(sessions.every(({ destroyed }) => destroyed)).toBe(true);
  await endpoint.close();
});

test("an endpoint that is closed while the restored peers are asked about lets go of all of them (U3, B5)", async () => {
  const associations = await exported(acceptAll, [device()]);
  const asked = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<void>();
  const sessions: DTLSSession[] = [];
  const endpoint = listen((session) => sessions.push(session), {
    port: 0,
    ...server,
    restore: { key, associations },
    verifyPeer: async () => {
      asked.resolve();
      await answer.promise;
      return "somebody";
    },
  });
  await asked.promise;
  await endpoint.close();
  answer.resolve();
  await until("it is gone", () => endpoint.stats.restored === 1 && endpoint.stats.sessions === 0);
  expect(sessions).toEqual([]);
});

test("whoever is told of the end of one association may end another: the others are exported (U1, U3)", async () => {
  const before = await startEcho(acceptAll);
  const clients = [before.connect(device("pump-1")), before.connect(device("pump-2"))];
  await Promise.all(clients.map(({ opened }) => opened));
  await until("both are there", () => before.sessions.length === 2);
  const [first, second] = before.sessions;
  first?.on("close", () => second?.destroy());
  const associations = await before.endpoint.exportAssociations(key);
  for (const client of clients) client.destroy();
  expect((await restored(acceptAll, associations)).sessions).toHaveLength(1);
});

test("an export that is refused for its key leaves the endpoint as it was (U3)", async () => {
  await using echo = await startEcho(acceptAll);
  await expect(echo.endpoint.exportAssociations(new Uint8Array(16))).rejects.toThrow(
    expect.objectContaining({ code: "DTLS_OPTIONS_INVALID" }),
  );
  expect(echo.endpoint.busy).toBe(false);
  await using session = echo.connect(device());
  await session.opened;
});

test("a verifyPeer that never answers keeps the port closed for the time of one handshake, not of one for each batch (U3, D7)", async () => {
  const psk = { psk: { identity: "pump-1", key: Buffer.from("0123456789abcdef") }, ca: undefined };
  const store = { psk: () => psk.psk.key };
  const associations = await exported(
    store,
    Array.from({ length: 200 }, () => psk),
  );
  const began = performance.now();
  const { sessions, refused } = await restored(
    { ...store, verifyPeer: () => new Promise(() => undefined), handshakeTimeout: 500 },
    associations,
  );
  expect(performance.now() - began).toBeLessThan(1900);
  expect(sessions).toEqual([]);
  expect(refused).toHaveLength(200);
});

test("an endpoint keeps nothing of what it was restored from: neither the key nor the memory (B5, U3)", async () => {
  const before = heapUsed();
  const endpoint = listen(() => undefined, {
    port: 0,
    ...server,
    ...acceptAll,
    // As the associations of thousands.
    restore: { key, associations: new Uint8Array(64 * 2 ** 20) },
  });
  await expect(endpoint.ready).rejects.toThrow(expect.objectContaining({ code: "DTLS_STATE_INVALID" }));
  await setImmediate();
  expect(heapUsed() - before).toBeLessThan(16 * 2 ** 20);
  expect(endpoint.stats.restored).toBe(0);
});
