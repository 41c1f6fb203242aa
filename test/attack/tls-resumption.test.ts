import { expect, test } from "vitest";
import { mint, rootRecipe } from "../support/minted-pki.ts";
import { connectBytes } from "../support/mqtt-bytes.ts";
import { TestGateway } from "../support/test-gateway.ts";
import { until } from "../support/until.ts";

test.each(["TLSv1.2", "TLSv1.3"] as const)(
  "P-10: a %s ticket from before the revocation does not get in",
  async (version) => {
    await using at = await TestGateway.start();
    const peer = await at.peer("a");
    const options = { ...peer.tls, maxVersion: version };
    const first = await at.dial(options);
    first.send(connectBytes("a"));
    await until("a ticket", () => first.session !== undefined && first.received.length > 0);
    first.socket.end();
    await first.untilClosed();

    // The positive control: before the revocation the same ticket resumes and gets in.
    const resumed = await at.dial({ ...options, session: first.session });
    resumed.send(connectBytes("a"));
    await resumed.untilReceived(4);
    expect(resumed.resumed).toBe(true);
    expect(at.eventsOf("session.opened").map((event) => event.session.resumed)).toEqual([false, true]);
    resumed.socket.end();
    await resumed.untilClosed();

    at.registry.revoke(peer.minted.certificate);
    at.events.length = 0;
    const late = await at.dial({ ...options, session: first.session });
    await late.untilClosed();
    expect(late.resumed).toBe(true);
    expect(late.received.length).toBe(0);
    expect(await at.refusal()).toBe("certificate_revoked");
  },
);

test("P-10: a ticket of a certificate that has expired since does not get in", async () => {
  let now = new Date();
  await using at = await TestGateway.start({ now: () => now });
  const peer = await at.peer("a");
  const first = await at.dial(peer.tls);
  first.send(connectBytes("a"));
  await until("a ticket", () => first.session !== undefined && first.received.length > 0);
  first.socket.destroy();
  now = new Date(peer.minted.certificate.notAfter.getTime() + 1000);
  at.events.length = 0;
  const late = await at.dial({ ...peer.tls, session: first.session });
  await late.untilClosed();
  expect((await at.event("connection.refused")).reason).toBe("certificate_expired");
});

test("P-09: a session made under other trust anchors does not resume", async () => {
  await using at = await TestGateway.start();
  const peer = await at.peer("a");
  const first = await at.dial(peer.tls);
  first.send(connectBytes("a"));
  await until("a ticket", () => first.session !== undefined && first.received.length > 0);
  const other = await mint(rootRecipe({ commonName: "another root" }));
  at.gateway.reload({ anchors: [at.pki.root.certificate, other.certificate] });
  const second = await at.dial({ ...peer.tls, session: first.session });
  expect(second.resumed).toBe(false);
});

test.each(["TLSv1.2", "TLSv1.3"] as const)(
  "P-11: a %s ticket with a bit flipped resumes nothing",
  async (version) => {
    await using at = await TestGateway.start();
    const peer = await at.peer("a");
    const options = { ...peer.tls, maxVersion: version };
    const first = await at.dial(options);
    first.send(connectBytes("a"));
    await until("a ticket", () => first.session !== undefined && first.received.length > 0);
    first.socket.end();
    await first.untilClosed();
    const session = Buffer.from(first.session ?? "");
    // The valid twin: as it was made.
    expect((await at.dial({ ...options, session })).resumed).toBe(true);
    const ticket = ticketIn(session);
    for (const place of [0, 20, Math.floor(ticket.length / 2), ticket.length - 1]) {
      const altered = Buffer.from(session);
      altered.writeUInt8(altered.readUInt8(ticket.start + place) ^ 1, ticket.start + place);
      expect((await at.dial({ ...options, session: altered })).resumed).toBe(false);
    }
  },
);

/** In OpenSSL's SSL_SESSION the ticket is the OCTET STRING under [10]. */
function ticketIn(session: Buffer): { start: number; length: number } {
  for (let at = session.indexOf(0xaa); at !== -1; at = session.indexOf(0xaa, at + 1)) {
    const outer = lengthAt(session, at + 1);
    if (outer === undefined || session[outer.end] !== 0x04) continue;
    const inner = lengthAt(session, outer.end + 1);
    if (inner !== undefined && inner.end + inner.length === outer.end + outer.length) {
      return { start: inner.end, length: inner.length };
    }
  }
  throw new Error("no ticket in the session");
}

function lengthAt(bytes: Buffer, at: number): { length: number; end: number } | undefined {
  const first = bytes[at] ?? 0;
  if (first === 0x81) return { length: bytes.readUInt8(at + 1), end: at + 2 };
  if (first === 0x82) return { length: bytes.readUInt16BE(at + 1), end: at + 3 };
  return undefined;
}
