import { expect, test } from "vitest";
import { DatagramPort } from "../../../../mitm/dtls/port.ts";

test("what nobody reads of a flood is let go: by number, and by size", async () => {
  const from = { host: "127.0.0.1", port: 1 };
  const line = { transmit: () => undefined, release: () => undefined, fail: () => undefined };
  const read = async (bytes: Uint8Array) => {
    const port = new DatagramPort(line, { local: from, peer: from, isClient: false });
    for (let n = 0; n < 2_000; n += 1) port.deliver({ bytes, from });
    let octets = 0;
    let number = 0;
    for (let next = await port.next(0); next !== undefined; next = await port.next(0)) {
      octets += next.bytes.length;
      number += 1;
    }
    // There is room again for what comes then.
    port.deliver({ bytes, from });
    expect(await port.next(0)).toBeDefined();
    return { octets, number };
  };
  expect((await read(new Uint8Array(1))).number).toBeLessThan(1_000);
  expect((await read(new Uint8Array(60_000))).octets).toBeLessThan(2 ** 19);
});
