import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ownPair } from "../../cli/mitm/own-pair.ts";
import { LabPki } from "../../mitm/mint/lab-pki.ts";
import type { PairTarget } from "../../mitm/targets.ts";
import { pairLab } from "../support/mitm/pair-lab.ts";

let own: PairTarget;
beforeAll(async () => {
  own = await ownPair(await LabPki.create());
});
afterAll(() => own.close?.());

describe("the path without rules", () => {
  test("lets a session over TLS through, and names what can be seen of it", async () => {
    await using lab = pairLab(own, "tls");
    const path = await lab.tcpPath();
    const session = await lab.session(path);
    expect(await session.opened).toBe(true);
    expect(await lab.exchange(session)).toBe(true);
    expect(await lab.exchange(session, "gateway")).toBe(true);
    const seen = lab.recorder.steps.map(({ from, what }) => `${from}: ${what}`);
    expect(seen).toEqual(
      expect.arrayContaining(["device: ClientHello", "gateway: ServerHello", "device: application data"]),
    );
    expect(lab.recorder.steps.some(({ attack }) => attack === true)).toBe(false);
    await session.close();
    expect(await session.ended).toBe("closed by the lab");
  });

  test("lets a session over DTLS through, with its connection ids", async () => {
    await using lab = pairLab(own, "dtls");
    const path = await lab.udpPath();
    const session = await lab.session(path);
    expect(await session.opened).toBe(true);
    expect(await lab.exchange(session)).toBe(true);
    expect(path.latest?.usesConnectionIds).toBe(true);
    const seen = lab.recorder.steps.map(({ from, what }) => `${from}: ${what}`);
    expect(seen).toEqual(
      expect.arrayContaining([
        "device: ClientHello",
        "gateway: HelloVerifyRequest",
        "device: record with a connection id",
      ]),
    );
  });

  test("tells whether a session is open from what passes, where it cannot ask the ends", async () => {
    for (const transport of ["tls", "dtls"] as const) {
      await using lab = pairLab(own, transport);
      const path = await (transport === "tls" ? lab.tcpPath() : lab.udpPath());
      const watching = path.sessionOnTheWire();
      const session = await lab.session(path);
      const watched = await watching;
      expect(await session.opened).toBe(true);
      expect(await lab.exchange(session)).toBe(true);
      expect(await watched.opened).toBe(true);
      expect(watched.isOpen).toBe(true);
      await session.close();
      expect(await watched.ended).not.toBe("");
      expect(watched.isOpen).toBe(false);
    }
  });
});
