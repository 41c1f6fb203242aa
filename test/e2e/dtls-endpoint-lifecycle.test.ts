import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { expect, test } from "vitest";
import { connect, DtlsError, type PemCredential } from "../../dtls/index.ts";
import { startRelay } from "../support/dtls-interop/relay.ts";
import { ask, ca, codeOf, device, type Echo, errorOf, startEcho } from "../support/dtls-loopback.ts";
import { until } from "../support/until.ts";

test("recheck closes the sessions of peers that were revoked, with the alert, and no others (U11)", async () => {
  const revoked = new Set<string>();
  await using echo = await startEcho({
    verifyPeer: async ({ chain }) => {
      const id = idOf(chain);
      if (revoked.has(id)) throw new DtlsError("DTLS_CERTIFICATE_REVOKED", `${id} is revoked`);
      return id;
    },
  });
  const one = echo.connect(device("pump-1"));
  const two = echo.connect(device("pump-2"));
  await Promise.all([one.opened, two.opened]);
  await until("both are there", () => echo.sessions.length === 2);
  expect(new Set(echo.sessions.map(({ identity }) => identity))).toEqual(new Set(["pump-1", "pump-2"]));
  revoked.add("pump-1");
  await echo.endpoint.recheck();
  expect((await errorOf(one.closed))?.peerAlert).toBe("certificate_revoked");
  expect(await ask(two, "still here")).toBe("still here");
  expect([...echo.endpoint.sessions]).toHaveLength(1);
  expect(echo.endpoint.stats.failed.DTLS_CERTIFICATE_REVOKED).toBe(1);
  await two.close();
});

test("a handshake that was under way during recheck is judged again when it is complete (U11)", async () => {
  let revoked = false;
  const asked = Promise.withResolvers<void>();
  const go = Promise.withResolvers<void>();
  await using echo = await startEcho({
    verifyPeer: async ({ resumed }) => {
      if (revoked && resumed) throw new DtlsError("DTLS_CERTIFICATE_REVOKED", "revoked");
      // It looked before the revocation, and answers after it.
      asked.resolve();
      await go.promise;
      return "somebody";
    },
  });
  const session = echo.connect(device());
  await asked.promise;
  revoked = true;
  await echo.endpoint.recheck();
  go.resolve();
  expect((await errorOf(session.closed))?.peerAlert).toBe("certificate_revoked");
});

test("a client, too, judges its server again when a recheck came during the handshake (U11)", async () => {
  await using echo = await startEcho();
  let asked = 0;
  const session = echo.connect({
    ...device(),
    ca: undefined,
    verifyPeer: () => {
      asked += 1;
      if (asked > 1) throw new DtlsError("DTLS_CERTIFICATE_REVOKED", "revoked meanwhile");
      void session.endpoint.recheck();
      return "the gateway";
    },
  });
  expect(await codeOf(session.closed)).toBe("DTLS_CERTIFICATE_REVOKED");
  expect(asked).toBe(2);
});

test("a session ends when its peer's certificate expires (U11)", async () => {
  await using echo = await startEcho({ idleTimeout: 60_000 });
  await using shortLived = await startEcho({ idleTimeout: 400, expiresAt: () => new Date(Date.now() + 200) });
  const lasting = echo.connect(device());
  const session = shortLived.connect(device());
  await Promise.all([lasting.opened, session.opened]);
  const timer = setInterval(() => session.destroyed || session.send("alive"), 20);
  expect((await errorOf(session.closed))?.peerAlert).toBe("certificate_expired");
  clearInterval(timer);
  expect(shortLived.endpoint.stats.expired).toBe(1);
  expect(lasting.destroyed).toBe(false);
  await lasting.close();
});

test("a session that says nothing for the idle time is closed, orderly", async () => {
  await using echo = await startEcho({ idleTimeout: 200 });
  const session = echo.connect(device());
  await session.opened;
  await until("it is there", () => echo.sessions.length === 1);
  await session.closed;
  expect(await Promise.all(echo.sessions.map(({ closed }) => codeOf(closed)))).toEqual(["DTLS_IDLE"]);
  expect(echo.endpoint.stats.idle).toBe(1);
});

test("RFC 6347 §4.2.8: a client that comes back from its port gets a new session, and the old one ends (R10, U2)", async () => {
  // Without connection ids only the address tells who a record is from.
  await using echo = await startEcho({ connectionId: false });
  const { second, old } = await comeBack(echo, device("pump-1"), device("pump-2"));
  expect(await ask(second, "back")).toBe("back");
  expect(await codeOf(old.closed)).toBe("DTLS_PEER_GONE");
  expect(echo.endpoint.stats).toMatchObject({ replaced: 1, sessions: 1 });
  await second.close();
});

test("RFC 6347 §4.2.8: a peer that comes back ends its old session though that has a connection id (R10)", async () => {
  await using echo = await startEcho();
  const credential = device();
  const { second, old } = await comeBack(echo, credential, credential);
  expect(await codeOf(old.closed)).toBe("DTLS_PEER_GONE");
  await second.close();
});

test("another client at the address, as a NAT gives it: a session with a connection id stays (R10, U4)", async () => {
  await using echo = await startEcho();
  const { second, old } = await comeBack(echo, device("pump-1"), device("pump-2"));
  expect(await ask(second, "new here")).toBe("new here");
  expect(old.destroyed).toBe(false);
  expect(echo.endpoint.stats).toMatchObject({ replaced: 0, sessions: 2 });
  await second.close();
});

for (const returnRoutabilityCheck of [true, false]) {
  const how = returnRoutabilityCheck ? "once it answered there (RFC 9853)" : "by its newest record";
  test(`RFC 9146 §6: a client whose address changes is followed ${how} (R11.7, U4)`, async () => {
    await using echo = await startEcho({ returnRoutabilityCheck });
    await using relay = await startRelay(echo.port);
    await using moved = connect("127.0.0.1", relay.port, { ca, ...device(), returnRoutabilityCheck });
    await moved.opened;
    expect(await ask(moved, "one")).toBe("one");
    const [accepted] = echo.sessions;
    if (accepted === undefined) throw new Error("no session");
    const change = once(accepted, "address");
    const port = await relay.rebind();
    expect(await ask(moved, "two")).toBe("two");
    const [{ to }] = await change;
    expect(to).toEqual({ address: "127.0.0.1", port });
    expect(accepted.remoteAddress.port).toBe(port);
    expect(await ask(moved, "three")).toBe("three");
    expect(echo.sessions).toHaveLength(1);
    expect(echo.endpoint.stats.addressChanges).toBe(1);
  });
}

test("a restart strands nobody: all associations go on at the new endpoint, by connection id and by address (U3)", async () => {
  const key = randomBytes(32);
  const options = { verifyPeer: ({ chain }: { chain: readonly Uint8Array[] }) => idOf(chain) };
  const before = await startEcho(options);
  const clients = [
    before.connect(device("pump-1")),
    before.connect(device("pump-2")),
    before.connect({ ...device("pump-3"), connectionId: false }),
  ];
  await Promise.all(clients.map((client) => client.opened));
  for (const client of clients) expect(await ask(client, "before")).toBe("before");
  const associations = await before.endpoint.exportAssociations(key);
  expect(before.endpoint.destroyed).toBe(true);
  expect(before.sessions.every(({ destroyed }) => destroyed)).toBe(true);
  expect(clients.some(({ destroyed }) => destroyed)).toBe(false);

  await using after = await startEcho({ ...options, port: before.port, restore: { key, associations } });
  expect(new Set(after.sessions.map(({ identity }) => identity))).toEqual(
    new Set(["pump-1", "pump-2", "pump-3"]),
  );
  expect(after.sessions.every(({ authorized }) => authorized)).toBe(true);
  for (const client of clients) expect(await ask(client, "after")).toBe("after");
  expect(after.endpoint.stats).toMatchObject({ restored: 3, handshakesStarted: 0, sessions: 3 });
  // And the other way.
  const [first] = after.sessions;
  const message = Promise.race(clients.map((client) => once(client, "message")));
  first?.send("from the server");
  expect(Buffer.from((await message)[0]).toString()).toBe("from the server");
  for (const client of clients) await client.close();
  await until("the server knows", () => after.sessions.every(({ destroyed }) => destroyed));
});

test("a peer that was revoked meanwhile is not restored (U3, U11)", async () => {
  const key = randomBytes(32);
  let revoked = false;
  const options = {
    verifyPeer: () => {
      if (revoked) throw new DtlsError("DTLS_CERTIFICATE_REVOKED", "revoked");
      return "somebody";
    },
  };
  const before = await startEcho(options);
  const client = before.connect(device());
  await client.opened;
  await until("it is there", () => before.sessions.length === 1);
  const associations = await before.endpoint.exportAssociations(key);
  revoked = true;
  await using after = await startEcho({ ...options, port: before.port, restore: { key, associations } });
  expect(after.sessions).toEqual([]);
  expect(after.endpoint.stats.restored).toBe(0);
  client.destroy();
});

test("exported associations open with their key alone, unchanged (U3)", async () => {
  const key = randomBytes(32);
  const before = await startEcho();
  const client = before.connect(device());
  await client.opened;
  const associations = await before.endpoint.exportAssociations(key);
  client.destroy();
  const changed = Uint8Array.from(associations);
  changed[40] = (changed[40] ?? 0) ^ 1;
  for (const restore of [
    { key: randomBytes(32), associations },
    { key, associations: changed },
    { key, associations: associations.subarray(0, -1) },
    { key, associations: Buffer.from("nonsense") },
  ]) {
    await expect(startEcho({ restore })).rejects.toThrow(
      expect.objectContaining({ code: "DTLS_STATE_INVALID" }),
    );
  }
});

/** One client vanishes as in a power cut, and one begins at its port. */
async function comeBack(echo: Echo, before: PemCredential, after: PemCredential) {
  const first = echo.connect(before);
  await first.opened;
  await until("it is there", () => echo.sessions.length === 1);
  const [old] = echo.sessions;
  if (old === undefined) throw new Error("unreachable");
  first.destroy();
  await first.endpoint.closed;
  const second = echo.connect({ ...after, bindPort: old.remoteAddress.port });
  await second.opened;
  await until("the second is there", () => echo.sessions.length === 2);
  return { second, old };
}

/** The common name, found without a parser: test certificates have it once more in the URI. */
function idOf(chain: readonly Uint8Array[]): string {
  return /device\/(pump-\d)/.exec(Buffer.from(chain[0] ?? []).toString("latin1"))?.[1] ?? "nobody";
}

test("close() lets go of a session that ended in an error too, and does not say so again (I)", async () => {
  await using echo = await startEcho();
  const session = echo.connect(device());
  await session.opened;
  session.destroy(new DtlsError("DTLS_ACCESS_DENIED", "enough"));
  await session.close();
  expect(await codeOf(session.closed)).toBe("DTLS_ACCESS_DENIED");
});
