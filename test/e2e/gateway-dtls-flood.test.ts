import { createSocket } from "node:dgram";
import { once } from "node:events";
import { expect, test } from "vitest";
import { cookieIn, hello } from "../support/dtls-endpoint/hellos.ts";
import { DtlsTestGateway } from "../support/gateway-dtls.ts";
import { until } from "../support/until.ts";

const attempts = 300;

test("strangers that show nothing fill no log: beyond some each second they are counted, others are told (D7)", async () => {
  await using over = await DtlsTestGateway.start();
  const refused = () => over.at.eventsOf("connection.refused").length;
  const counted = () =>
    over.at
      .eventsOf("warning")
      .map(({ detail }) => Number(/^(\d+) more DTLS handshakes/.exec(detail)?.[1] ?? 0))
      .reduce((sum, count) => sum + count, 0);
  const stranger = createSocket("udp4");
  stranger.bind(0, "127.0.0.1");
  await once(stranger, "listening");
  const began = performance.now();
  for (let attempt = 0; attempt < attempts; attempt++) {
    const random = new Uint8Array(32).fill(attempt % 251);
    random[0] = attempt % 256;
    // No suite that anybody has.
    const fields = { random, cipherSuites: [0x0abc] };
    stranger.send(hello(fields), over.port, "127.0.0.1");
    const [asked] = await once(stranger, "message");
    const cookie = cookieIn(asked);
    const answered = once(stranger, "message");
    stranger.send(hello({ ...fields, cookie, sequence: 1, messageSeq: 1 }), over.port, "127.0.0.1");
    await answered;
  }
  stranger.close();
  const seconds = (performance.now() - began) / 1000;
  expect(refused()).toBeLessThanOrEqual(50 + Math.ceil(50 * seconds));
  expect(refused()).toBeGreaterThanOrEqual(50);

  // Who shows a certificate is told of by name all the same.
  const unknown = await over.at.peer("d1");
  over.at.registry.revoke(unknown.minted.certificate);
  await over.refusedBy(over.connect(unknown));
  await until("it is told", () =>
    over.at.eventsOf("connection.refused").some(({ reason }) => reason === "certificate_revoked"),
  );
  await over.at.gateway.close();
  expect(refused() - 1 + counted()).toBe(attempts);
});
