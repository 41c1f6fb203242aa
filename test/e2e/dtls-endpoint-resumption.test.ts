import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { expect, test } from "vitest";
import { type ConnectOptions, type DTLSSession, DtlsError, type PeerClaim } from "../../dtls/index.ts";
import { ask, codeOf, device, type Echo, errorOf, startEcho } from "../support/dtls-loopback.ts";
import { until } from "../support/until.ts";

/** A session that is resumed, and what it resumes. */
async function resume(echo: Echo, options: ConnectOptions, over: ConnectOptions = {}): Promise<DTLSSession> {
  const first = echo.connect(options);
  await first.opened;
  const { session } = first;
  await first.close();
  if (session === undefined) throw new Error("nothing to resume with");
  return echo.connect({ ...options, session, ...over });
}

for (const [how, tickets] of [
  ["by session id (RFC 5246 §7.3)", false],
  ["by ticket (RFC 5077)", true],
] as const) {
  test(`a session is resumed ${how}, and the peer is still who it was (A7)`, async () => {
    await using echo = await startEcho({ sessionTickets: tickets, sessionIds: !tickets });
    await using second = await resume(echo, device("pump-1"));
    await second.opened;
    expect(second.reused).toBe(true);
    expect(await ask(second, "again")).toBe("again");
    const accepted = echo.sessions.at(-1);
    expect(accepted?.reused).toBe(true);
    expect(accepted?.authorized).toBe(true);
    expect(accepted?.peer?.resumed).toBe(true);
    expect(accepted?.peerX509Certificate?.subject).toBe("CN=pump-1");
    expect(echo.endpoint.stats).toMatchObject({ handshakesFull: 1, handshakesResumed: 1 });
    // A7: a new connection id each time, which nobody can link to the old one.
    expect(second.session).toBeDefined();
  });

  test(`a peer that was revoked meanwhile does not resume ${how} (A7)`, async () => {
    const claims: PeerClaim[] = [];
    let revoked = false;
    await using echo = await startEcho({
      sessionTickets: tickets,
      sessionIds: !tickets,
      verifyPeer: (claim) => {
        claims.push(claim);
        if (revoked) throw new DtlsError("DTLS_CERTIFICATE_REVOKED", "revoked");
        return "known";
      },
    });
    const first = echo.connect(device());
    await first.opened;
    const { session } = first;
    await first.close();
    revoked = true;
    const second = echo.connect({ ...device(), session });
    expect((await errorOf(second.opened))?.peerAlert).toBe("certificate_revoked");
    // Refused as a resumption, then as the full handshake that takes its place.
    expect(claims.map(({ resumed }) => resumed)).toEqual([false, true, false]);
    expect(echo.sessions).toHaveLength(1);
  });

  test(`resuming ${how} begins with a cookie like any handshake (D2, R2.7)`, async () => {
    await using echo = await startEcho({ sessionTickets: tickets, sessionIds: !tickets });
    await using second = await resume(echo, device());
    await second.opened;
    expect(echo.endpoint.stats.helloVerifyRequests).toBe(2);
  });
}

test("tickets work on another endpoint with the same ticketKeys, and on none without", async () => {
  const ticketKeys = randomBytes(96);
  const options = { sessionIds: false, ticketKeys };
  await using one = await startEcho(options);
  await using two = await startEcho({
    ...options,
    ticketKeys: Buffer.concat([randomBytes(48), ticketKeys.subarray(0, 48)]),
  });
  await using three = await startEcho({ sessionIds: false });
  const first = one.connect(device());
  await first.opened;
  const { session } = first;
  await first.close();
  await using second = two.connect({ ...device(), session });
  await second.opened;
  expect(second.reused).toBe(true);
  await using third = three.connect({ ...device(), session });
  await third.opened;
  expect(third.reused).toBe(false);
});

test("a session that is over is not resumed, and a full handshake takes its place", async () => {
  await using echo = await startEcho({ sessionTimeout: 1 });
  const first = echo.connect(device());
  await first.opened;
  const { session } = first;
  await first.close();
  await new Promise((resolve) => setTimeout(resolve, 1100));
  await using second = echo.connect({ ...device(), session });
  await second.opened;
  expect(second.reused).toBe(false);
});

test("RFC 5246 §7.2.2: a connection that ended in a fatal alert is not resumed (R9)", async () => {
  await using echo = await startEcho({ sessionTickets: false });
  const first = echo.connect(device());
  await first.opened;
  const { session } = first;
  await until("the server has it", () => echo.sessions.length === 1);
  first.destroy(new DtlsError("DTLS_INTERNAL_ERROR", "broken"));
  await until("the server knows", () => echo.sessions[0]?.destroyed === true);
  await using second = echo.connect({ ...device(), session });
  await second.opened;
  expect(second.reused).toBe(false);
});

test("a client's session is for the name that it was made with, and for nothing else (A7)", async () => {
  await using echo = await startEcho();
  const first = echo.connect({ ...device(), servername: "gateway.example" });
  const [announced] = await once(first, "session");
  await first.opened;
  expect(announced).toEqual(first.session);
  await first.close();
  expect(() => echo.connect({ ...device(), session: announced })).toThrow(
    expect.objectContaining({ code: "DTLS_OPTIONS_INVALID" }),
  );
  expect(() => echo.connect({ ...device(), session: Buffer.from("nonsense") })).toThrow(
    expect.objectContaining({ code: "DTLS_OPTIONS_INVALID" }),
  );
});

test("the client asks its verification again too", async () => {
  const seen: boolean[] = [];
  await using echo = await startEcho();
  const verifyPeer = ({ resumed }: PeerClaim) => {
    seen.push(resumed);
    if (resumed) throw new DtlsError("DTLS_CERTIFICATE_REVOKED", "the server is revoked");
    return "the gateway";
  };
  const second = await resume(echo, { ...device(), verifyPeer, ca: undefined });
  expect(await codeOf(second.opened)).toBe("DTLS_CERTIFICATE_REVOKED");
  expect(seen).toEqual([false, true]);
});

test.each([true, false])(
  "a pre-shared key that was changed does not resume what began with the old one, by ticket: %s (A7)",
  async (sessionTickets) => {
    let key = Buffer.from("0123456789abcdef");
    await using echo = await startEcho({ psk: async () => key, sessionTickets });
    const options = { psk: { identity: "pump-1", key }, ca: undefined };
    await using again = await resume(echo, options);
    await again.opened;
    expect(again.reused).toBe(true);
    key = Buffer.from("another key of 2");
    const third = echo.connect({ ...options, session: again.session });
    expect(await codeOf(third.opened)).not.toBeUndefined();
    await using fourth = echo.connect({
      psk: { identity: "pump-1", key },
      ca: undefined,
      session: again.session,
    });
    await fourth.opened;
    expect(fourth.reused).toBe(false);
  },
);

test("recheck and restore end what began with a pre-shared key that was changed (A7, U11)", async () => {
  const old = Buffer.from("0123456789abcdef");
  let key = old;
  const options = { psk: () => key };
  const before = await startEcho(options);
  const client = before.connect({ psk: { identity: "pump-1", key }, ca: undefined });
  await client.opened;
  await before.endpoint.recheck();
  expect([...before.endpoint.sessions]).toHaveLength(1);
  const secret = new Uint8Array(32);
  const associations = await before.endpoint.exportAssociations(secret);
  client.destroy();
  const restore = { key: secret, associations };
  await using after = await startEcho({ ...options, restore });
  expect([...after.endpoint.sessions]).toHaveLength(1);
  key = Buffer.from("another key of 2");
  await after.endpoint.recheck();
  expect([...after.endpoint.sessions]).toHaveLength(0);
  await using late = await startEcho({ ...options, restore });
  expect([...late.endpoint.sessions]).toHaveLength(0);
});

test("a pre-shared key that was taken away does not resume (A7)", async () => {
  const key = Buffer.from("0123456789abcdef");
  let known = true;
  await using echo = await startEcho({ psk: () => (known ? key : undefined) });
  const options = { psk: { identity: "pump-1", key }, ca: undefined };
  await using again = await resume(echo, options);
  await again.opened;
  expect(again.reused).toBe(true);
  known = false;
  const third = echo.connect({ ...options, session: again.session });
  expect(await codeOf(third.opened)).toBe("DTLS_PEER_ALERT");
});
