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
