import { beforeAll, describe, expect, test } from "vitest";
import type { OutgoingHook, Replacement } from "../../../../mitm/endpoint.ts";
import { Prng } from "../../../../mitm/prng.ts";
import { tlsRules } from "../../../../mitm/tls/rules.ts";
import { TicketKey } from "../../../../mitm/tls/tickets.ts";
import { faceToFace } from "../../../support/mitm/tls-duel.ts";
import { Parties } from "../../../support/mitm/tls-parties.ts";

let parties: Parties;
beforeAll(async () => {
  parties = await Parties.create(["p256"]);
});

/** All rules lacked at once, but for the one that would wait for ever. */
const careless = new Set(Object.keys(tlsRules).filter((rule) => rule !== "no-handshake-timeout"));

function mutated(prng: Prng, body: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(body);
  switch (prng.below(4)) {
    case 0:
      return copy.subarray(0, prng.below(copy.length + 1));
    case 1:
      return Buffer.concat([copy, prng.bytes(prng.below(40))]);
    case 2:
      return prng.bytes(prng.below(200));
    default:
      for (let flips = 0; flips < 4; flips += 1) {
        const at = prng.below(copy.length);
        if (copy.length > 0) copy[at] = prng.below(256);
      }
      return copy;
  }
}

/** Spoils about one message in four. */
function spoiling(prng: Prng): OutgoingHook {
  return ({ msgType, body }): readonly Replacement[] | undefined => {
    if (!prng.chance(0.25)) return undefined;
    if (msgType === undefined) return prng.chance(0.5) ? [] : [{ kind: "changeCipherSpec" }];
    const spoiled = { kind: "handshake", msgType, body: mutated(prng, body) } as const;
    switch (prng.below(5)) {
      case 0:
        return [];
      case 1:
        return [{ ...spoiled, msgType: prng.below(30) }];
      case 2:
        return [{ ...spoiled, body }, spoiled];
      case 3:
        return [
          { kind: "record", contentType: prng.below(30), fragment: prng.bytes(prng.below(50)) },
          { ...spoiled, body },
        ];
      default:
        return [spoiled];
    }
  };
}

describe("whatever comes, a handshake ends with a result", () => {
  for (const [name, tolerates] of [
    ["a strict end", new Set<string>()],
    ["a careless end", careless],
    ["an attacker", "everything"],
  ] as const) {
    test(name, async () => {
      const key = new TicketKey();
      let completed = 0;
      for (let seed = 0; seed < 120; seed += 1) {
        const prng = new Prng(seed);
        const version = prng.pick(["TLS 1.2", "TLS 1.3"] as const);
        const outgoing = spoiling(prng);
        const attacker = { versions: [version], tolerates: "everything", outgoing, answerMs: 10 } as const;
        const victim = { versions: [version], tolerates, answerMs: 10 };
        const { client, server } = prng.chance(0.5)
          ? faceToFace(parties.client(attacker), parties.server({ ...victim, tickets: { key } }))
          : faceToFace(parties.client(victim), parties.server(attacker));
        const leaving = async (end: typeof client | typeof server) => {
          const result = await end.handshake();
          if (!result.completed) end.halfClose();
          return result;
        };
        const results = await Promise.all([leaving(client), leaving(server)]);
        for (const result of results) expect(typeof result.completed).toBe("boolean");
        if (results.every((result) => result.completed)) completed += 1;
        client.destroy();
        server.destroy();
      }
      expect(completed).toBeGreaterThan(0);
    }, 30_000);
  }

  test("bytes without any order, before and after the handshake", async () => {
    for (let seed = 0; seed < 60; seed += 1) {
      const prng = new Prng(seed);
      const tolerates = prng.chance(0.5) ? careless : new Set<string>();
      const { client, server } = faceToFace(
        parties.client({ tolerates: "everything", answerMs: 500 }),
        parties.server({ tolerates, answerMs: 500 }),
      );
      if (prng.chance(0.5)) await Promise.all([client.handshake(), server.handshake()]);
      const garbage = prng.bytes(prng.below(400));
      if (prng.chance(0.5)) garbage.set([prng.pick([20, 21, 22, 23]), 3, 3, 0].slice(0, garbage.length));
      client.records.sendRaw(garbage);
      client.halfClose();
      const result = server.version === undefined ? await server.handshake() : await server.receive(5000);
      expect(result).toBeDefined();
      client.destroy();
      server.destroy();
    }
  });
});
