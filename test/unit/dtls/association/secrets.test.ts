import { inspect } from "node:util";
import { describe, expect, test, vi } from "vitest";
import type { AssociationState } from "../../../../dtls/association/association-state.ts";
import { Secrets } from "../../../../dtls/association/secrets.ts";
import { keyBlock } from "../../../../dtls/crypto/prf.ts";
import { reimport } from "../../../support/dtls/imported.ts";
import { Pair, type PairOptions } from "../../../support/dtls/pair.ts";
import type { Session } from "../../../support/dtls/session.ts";
import { suiteNamed } from "../../../support/dtls/settings.ts";

const label = "EXPORTER-test";
const context = Buffer.from("context");
const key = Buffer.from("a secret that both have");

const kinds: [string, PairOptions][] = [
  ["certificates", {}],
  [
    "a pre-shared key",
    {
      client: { cipherSuites: [suiteNamed("TLS_PSK_WITH_AES_256_GCM_SHA384")] },
      server: { cipherSuites: [suiteNamed("TLS_PSK_WITH_AES_256_GCM_SHA384")] },
      clientApplication: { psk: { identity: "d1", key } },
      serverApplication: { pskStore: new Map([["d1", key]]) },
    },
  ],
];

/** Key log lines that an association has put out. */
function keyLogOf(session: Session): string[] {
  const lines: string[] = [];
  const take = session.association.takeOutputs.bind(session.association);
  vi.spyOn(session.association, "takeOutputs").mockImplementation(() => {
    const outputs = take();
    for (const output of outputs) if (output.type === "keylog") lines.push(output.line);
    return outputs;
  });
  return lines;
}

function exportedBy({ association }: Session, ...how: [string, number, Uint8Array?]): string {
  return Buffer.from(association.exportKeyingMaterial(...how)).toString("hex");
}

describe.each(kinds)("keying material, with %s", (_, options) => {
  test("RFC 5705 §4: both sides export the same, and another for each label, context and association (R17)", () => {
    const pair = new Pair(options).handshake();
    const questions: [string, number, Uint8Array?][] = [
      [label, 32],
      ["EXPORTER-other", 32],
      [label, 32, context],
      [label, 32, new Uint8Array()],
    ];
    const mine = questions.map((question) => exportedBy(pair.clientSession, ...question));
    expect(questions.map((question) => exportedBy(pair.serverSession, ...question))).toEqual(mine);
    expect(new Set(mine).size).toBe(questions.length);
    expect(exportedBy(pair.clientSession, label, 100)).toMatch(new RegExp(`^${mine[0]}`));
    const another = new Pair({ ...options, seed: 2 }).handshake();
    expect(exportedBy(another.clientSession, label, 32)).not.toBe(mine[0]);
  });

  test("RFC 5705 §4: labels of the protocol itself are refused (R17)", () => {
    const { clientSession } = new Pair(options).handshake();
    for (const reserved of ["client finished", "server finished", "master secret", "key expansion"]) {
      const refused = () => clientSession.association.exportKeyingMaterial(reserved, 32);
      expect(refused).toThrow(expect.objectContaining({ code: "DTLS_OPTIONS_INVALID" }));
    }
    expect(clientSession.closed, "a caller's mistake ends nothing").toBe(false);
  });
});

test("RFC 5705 §4: nothing is exported before the handshake is complete (R17)", () => {
  const pair = new Pair();
  const early = () => pair.clientSession.association.exportKeyingMaterial(label, 32);
  expect(early).toThrow(expect.objectContaining({ code: "DTLS_CLOSED" }));
  pair.client.start();
  expect(early).toThrow(expect.objectContaining({ code: "DTLS_CLOSED" }));
});

test("RFC 7627 §5.4: nothing is exported without extended master secret, for it would be bound to nobody (R8, R17)", () => {
  const pair = new Pair().handshake();
  const without = (state: AssociationState): AssociationState => ({
    ...state,
    terms: { ...state.terms, extendedMasterSecret: false },
  });
  const { association } = reimport(pair, "client", { change: without });
  expect(() => association.exportKeyingMaterial(label, 32)).toThrow(
    expect.objectContaining({ code: "DTLS_NO_EXTENDED_MASTER_SECRET" }),
  );
});

describe("the key log", () => {
  test("has no line where nobody asked for one (R17)", () => {
    const pair = new Pair();
    const lines = keyLogOf(pair.clientSession);
    pair.handshake();
    expect(pair.established).toBe(true);
    expect(lines).toEqual([]);
    expect([...pair.clientSession.outputs, ...pair.serverSession.outputs]).not.toContain("keylog");
  });

  test.each(kinds)("with %s: one line, which opens the association (R17)", (_, options) => {
    const pair = new Pair({ ...options, client: { ...options.client, keyLog: true } });
    const lines = keyLogOf(pair.clientSession);
    pair.handshake();
    expect(lines).toHaveLength(1);
    expect(pair.serverSession.outputs, "of the side that asked alone").not.toContain("keylog");
    const [, random = "", master = ""] =
      /^CLIENT_RANDOM ([0-9a-f]{64}) ([0-9a-f]{96})$/.exec(lines[0] ?? "") ?? [];
    const states: AssociationState[] = [];
    reimport(pair, "client", { change: (state) => states[states.push(state) - 1] ?? state });
    const { terms, masterSecret, sealer } = states[0] ?? { terms: undefined };
    expect(random).toBe(Buffer.from(terms?.clientRandom ?? []).toString("hex"));
    expect(master).toBe(Buffer.from(masterSecret ?? []).toString("hex"));
    if (terms === undefined) throw new Error("no state");
    const keys = keyBlock(terms.suite, Buffer.from(master, "hex"), terms.clientRandom, terms.serverRandom);
    expect(Buffer.from(sealer?.key ?? [])).toEqual(Buffer.from(keys.client.key));
  });

  test("also of a resumed association, whose keys are others (R17)", () => {
    const server = { sessionIds: true, keyLog: true };
    const first = new Pair({ server }).handshake();
    const second = new Pair({
      seed: 2,
      server,
      sessions: first.sessions,
      client: { session: first.clientSession.resumable, keyLog: true },
    });
    const lines = keyLogOf(second.clientSession);
    second.handshake();
    expect(second.clientSession.association.resumed).toBe(true);
    expect(lines).toHaveLength(1);
    expect(second.serverSession.outputs).toContain("keylog");
  });
});

describe("an association that is printed", () => {
  /** As inspect would print bytes, without the blanks: in hexadecimal of a Buffer, or as numbers. */
  function printsOf(bytes: Uint8Array): string[] {
    const some = [...bytes.subarray(0, 6)];
    return [
      Buffer.from(some).toString("hex"),
      some.join(","),
      Buffer.from(bytes).toString("base64").slice(0, 7),
    ];
  }

  test.each(["client", "server"] as const)("as a %s shows no key, in no state (R17, I)", (side) => {
    const pair = new Pair({ clientFaults: { latencyMs: 10 }, serverFaults: { latencyMs: 10 } });
    const printed: string[] = [];
    const print = (): void => {
      const session = side === "client" ? pair.clientSession : pair.server.sessions[0];
      const all = { showHidden: true, depth: 20, getters: true, maxArrayLength: null, breakLength: 1e6 };
      if (session === undefined) return;
      const texts = [inspect(session.association, all), JSON.stringify(session.association)];
      printed.push(...texts.map((text) => text.replaceAll(/\s/g, "")));
    };
    pair.client.start();
    for (let time = 0; time < 100; time += 5) {
      pair.simulation.runFor(5);
      print();
    }
    expect(pair.established).toBe(true);
    const states: AssociationState[] = [];
    reimport(pair, side, { change: (state) => states[states.push(state) - 1] ?? state });
    print();
    const [state] = states;
    if (state === undefined) throw new Error("no state");
    const { masterSecret, sealer, opener } = state;
    expect(printed.length).toBeGreaterThan(20);
    for (const secret of [masterSecret, sealer.key, opener.key]) {
      for (const print of printsOf(secret)) {
        for (const text of printed) expect(text.includes(print)).toBe(false);
      }
    }
  });

  test("the secrets that it held are overwritten at its end (H)", () => {
    const wipe = vi.spyOn(Secrets.prototype, "wipe");
    const pair = new Pair().handshake();
    expect(wipe).not.toHaveBeenCalled();
    pair.clientSession.act((it) => it.close());
    expect(wipe).toHaveBeenCalledTimes(1);
    wipe.mockRestore();
    const { terms, masterSecret } = pair.serverSession.act((it) => it.exportState());
    const secrets = new Secrets(terms, masterSecret);
    const { master, clientRandom } = secrets.parts;
    expect(master).toEqual(masterSecret);
    secrets.wipe();
    for (const bytes of [master, clientRandom]) expect(bytes.every((byte) => byte === 0)).toBe(true);
  });
});
