import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ownPair } from "../../cli/mitm/own-pair.ts";
import type { Finding, Transport } from "../../mitm/attack.ts";
import { pathAttacks } from "../../mitm/catalogue/path/index.ts";
import { LabPki } from "../../mitm/mint/lab-pki.ts";
import type { PairTarget } from "../../mitm/targets.ts";
import { twinPair } from "../../mitm/twins/pair.ts";
import { boundSocket, closedPort } from "../support/mitm/bare-ends.ts";
import { pairLab } from "../support/mitm/pair-lab.ts";

/*
 * Ends that the lab cannot command, such as a board on a desk and somebody's gateway: a verdict rests on what passes, or
 * there is none.
 */

let own: PairTarget;
beforeAll(async () => {
  own = await ownPair(await LabPki.create());
});
afterAll(() => own.close?.());

/** The attack of this id on a pair whose device dials by itself, again and again, and talks all the time. */
async function attackUnasked(id: string, pair: PairTarget): Promise<Finding> {
  const attack = pathAttacks.find((one) => one.id === id);
  const transport = attack?.transports[0];
  if (attack?.side !== "pair" || transport === undefined) throw new Error(`no such attack: ${id}`);
  const listen = { host: "127.0.0.1", tcpPort: await closedPort(), udpPort: await freeUdpPort() };
  await using lab = pairLab(muted(pair), transport, 1, listen);
  const given = new AbortController();
  const port = transport === "tls" ? listen.tcpPort : listen.udpPort;
  const device = talkOn(pair, transport, port, given.signal);
  try {
    return await attack.run(lab);
  } finally {
    given.abort();
    await device;
  }
}

/** The same pair, but nobody can tell it to do anything. */
function muted({ name, transports, gateway, connectionIds, attacker }: PairTarget): PairTarget {
  return { name, transports, gateway, connectionIds, ...(attacker !== undefined && { attacker }) };
}

async function talkOn(
  pair: PairTarget,
  transport: Transport,
  port: number,
  signal: AbortSignal,
): Promise<void> {
  let number = 0;
  const aborted = new Promise<void>((resolve) => {
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
  while (!signal.aborted) {
    const session = await pair.dial?.(transport, { host: "127.0.0.1", port });
    if (session === undefined) return;
    const timer = setInterval(() => {
      number += 1;
      session.deviceSays?.(`reading ${number}`);
      session.gatewaySays?.(`command ${number}`);
    }, 20);
    await Promise.race([session.ended, aborted]);
    clearInterval(timer);
    await session.close();
  }
}

async function freeUdpPort(): Promise<number> {
  const socket = await boundSocket();
  const { port } = socket.address();
  socket.close();
  return port;
}

describe("at our own device and gateway, which nobody asks", () => {
  test.each([
    "P-01-path-a",
    "P-03-path-a",
    "P-16c",
    "P-17a",
    "P-17i",
    "P-17k",
    "P-18-path-a",
    "P-23",
    "U-07e",
    "U-09b",
    "U-11c",
    "U-19e",
  ])("%s is held by what passes", async (id) => {
    expect(await attackUnasked(id, own)).toMatchObject({ result: "held" });
  });

  test.each(["P-16a", "P-17n", "U-07a", "U-08d", "U-10a", "U-11a", "U-35a"])(
    "%s is not judged, since only the application could tell",
    async (id) => {
      const finding = await attackUnasked(id, own);
      expect(finding.result).toBe("inconclusive");
      expect(finding.how).toMatch(/does not show on the path/);
    },
  );
});

describe("at twins that lack what the attack finds", () => {
  test.each(["P-03-path-b", "P-17c", "P-18-path-b", "P-23", "U-11d", "U-11e", "U-32a", "U-33b"])(
    "%s is broken by what passes",
    async (id) => {
      const weakness = pathAttacks.find((one) => one.id === id)?.defeats ?? "";
      const weak = await twinPair(await LabPki.create(), new Set([weakness]));
      expect(await attackUnasked(id, weak)).toMatchObject({ result: "broken" });
      await weak.close?.();
    },
  );
});
