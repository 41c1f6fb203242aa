import fc from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import { keyOf } from "../../../../dtls/endpoint/addresses.ts";
import { AssociationTable, type TableEntry } from "../../../../dtls/endpoint/association-table.ts";

const limits = {
  maxSessions: 4,
  maxSessionsPerHost: 3,
  maxHandshakes: 2,
  maxHandshakesPerHost: 2,
  staleAfterMs: 1000,
  staleHandshakeAfterMs: 100,
};
const at = (host: number, port = 1) => ({ address: `192.0.2.${host}`, port });
let table: AssociationTable<string>;

beforeEach(() => {
  table = new AssociationTable(limits);
});

function established(value: string, host: number, port = 1, now = 0): TableEntry<string> {
  const entry = table.add(value, at(host, port), value, now);
  table.establish(entry);
  return entry;
}

test("an association is found by its address and by its connection id, and by neither when it has ended (B5)", () => {
  const entry = table.add("a", at(1), "random", 0);
  expect(table.at(keyOf(at(1)))).toBe(entry);
  table.setConnectionId(entry, "id");
  expect(table.withConnectionId("id")).toBe(entry);
  expect(table.hasConnectionId("id")).toBe(true);
  table.remove(entry);
  expect(table.at(keyOf(at(1)))).toBeUndefined();
  expect(table.hasConnectionId("id")).toBe(false);
  expect(table.size).toBe(0);
  // Ended twice is ended once.
  table.remove(entry);
  expect(table.size).toBe(0);
});

describe("a second handshake from the same address (R10, C3)", () => {
  test("RFC 6347 §4.2.8: it is pending beside the old association, which keeps the address", () => {
    const old = established("old", 1);
    const newer = table.add("new", at(1), "r", 0);
    expect(table.at(keyOf(at(1)))).toBe(old);
    expect(old.pending).toBe(newer);
  });

  test("RFC 6347 §4.2.8: it takes the address over when it is complete", () => {
    const old = established("old", 1);
    const newer = table.add("new", at(1), "r", 0);
    expect(table.establish(newer)).toBe(old);
    expect(table.at(keyOf(at(1)))).toBe(newer);
    expect(old.pending).toBeUndefined();
    // Ending the old one now does not take the address away.
    table.remove(old);
    expect(table.at(keyOf(at(1)))).toBe(newer);
  });

  test("when it fails, the old one is as before", () => {
    const old = established("old", 1);
    table.remove(table.add("new", at(1), "r", 0));
    expect(table.at(keyOf(at(1)))).toBe(old);
    expect(old.pending).toBeUndefined();
    expect(table.handshaking).toBe(0);
  });

  test("when the old one ends meanwhile, it has the address to itself", () => {
    const old = established("old", 1);
    const newer = table.add("new", at(1), "r", 0);
    table.remove(old);
    expect(table.at(keyOf(at(1)))).toBe(newer);
    expect(table.establish(newer)).toBeUndefined();
    expect(table.at(keyOf(at(1)))).toBe(newer);
  });

  test("it needs no room beyond that of the association whose place it takes", () => {
    table = new AssociationTable({ ...limits, maxSessions: 1, maxSessionsPerHost: 1 });
    established("old", 1);
    expect(table.room(at(1), 0, true).admitted).toBe(true);
    expect(table.room(at(1, 2), 0)).toEqual({ admitted: false, reason: "too_many_from_host" });
  });
});

describe("a peer that moves (R11, G1)", () => {
  test("it is found at its new address and counted there", () => {
    table = new AssociationTable({ ...limits, maxSessionsPerHost: 1 });
    const entry = established("a", 1);
    table.move(entry, at(2));
    expect(table.at(keyOf(at(1)))).toBeUndefined();
    expect(table.at(keyOf(at(2)))).toBe(entry);
    expect(table.room(at(1), 0).admitted).toBe(true);
    expect(table.room(at(2, 2), 0)).toEqual({ admitted: false, reason: "too_many_from_host" });
  });

  test("it does not push out whoever is at that address", () => {
    const resident = established("resident", 2);
    const mover = established("mover", 1);
    table.setConnectionId(mover, "id");
    table.move(mover, at(2));
    expect(table.at(keyOf(at(2)))).toBe(resident);
    expect(table.withConnectionId("id")).toBe(mover);
    table.remove(mover);
    expect(table.at(keyOf(at(2)))).toBe(resident);
  });

  test("a handshake that is pending at the old address has that to itself then", () => {
    const mover = established("mover", 1);
    const newer = table.add("new", at(1), "r", 0);
    table.move(mover, at(2));
    expect(table.at(keyOf(at(1)))).toBe(newer);
    expect(table.establish(newer)).toBeUndefined();
  });
});

describe("room (D7, U10)", () => {
  test("one host has its own bound, for handshakes and in all", () => {
    table.add("a", at(1, 1), "r", 0);
    table.add("b", at(1, 2), "r", 0);
    expect(table.room(at(1, 3), 0)).toEqual({ admitted: false, reason: "too_many_from_host" });
    table = new AssociationTable(limits);
    for (const port of [1, 2, 3]) established(`${port}`, 1, port);
    expect(table.room(at(1, 4), 0)).toEqual({ admitted: false, reason: "too_many_from_host" });
    expect(table.room(at(2), 0).admitted).toBe(true);
  });

  test("handshakes have a bound in all, where only one that says nothing any more makes room", () => {
    const first = table.add("a", at(1), "r", 0);
    const second = table.add("b", at(2), "r", 10);
    expect(table.room(at(3), 99)).toEqual({ admitted: false, reason: "busy" });
    expect(table.room(at(3), 100)).toEqual({ admitted: true, evict: first });
    table.heard(first, 100);
    expect(table.room(at(3), 100)).toEqual({ admitted: false, reason: "busy" });
    expect(table.room(at(3), 110)).toEqual({ admitted: true, evict: second });
  });

  test("the session that was silent longest makes room, if it was for long enough", () => {
    const entries = [1, 2, 3, 4].map((host) => established(`${host}`, host, 1, host));
    expect(table.room(at(5), 1000)).toEqual({ admitted: false, reason: "busy" });
    expect(table.room(at(5), 1001)).toEqual({ admitted: true, evict: entries[0] });
    if (entries[0] !== undefined) table.heard(entries[0], 1001);
    expect(table.room(at(5), 1001)).toEqual({ admitted: false, reason: "busy" });
    expect(table.room(at(5), 1002)).toEqual({ admitted: true, evict: entries[1] });
  });

  test("an established session never makes room for a handshake over the bound of handshakes", () => {
    established("old", 1, 1, 0);
    table.add("a", at(2), "r", 5000);
    table.add("b", at(3), "r", 5000);
    expect(table.room(at(4), 5001)).toEqual({ admitted: false, reason: "busy" });
  });
});

test("those not heard of for longest come first", () => {
  const [one, two, three] = [1, 2, 3].map((host) => established(`${host}`, host, 1, host));
  if (one === undefined) throw new Error("unreachable");
  table.heard(one, 10);
  expect([...table.leastRecentlyHeard()]).toEqual([two, three, one]);
  expect([...table.values()]).toEqual(["2", "3", "1"]);
});

test("whatever happens in whatever order, nothing stays and all counts return to zero (B5)", () => {
  const action = fc.record({
    what: fc.constantFrom("add", "establish", "move", "hear", "remove"),
    which: fc.nat(20),
    host: fc.integer({ min: 1, max: 3 }),
    port: fc.integer({ min: 1, max: 3 }),
  });
  fc.assert(
    fc.property(fc.array(action, { maxLength: 200 }), (actions) => {
      const random = new AssociationTable<number>({
        ...limits,
        maxSessions: 1000,
        maxSessionsPerHost: 1000,
        maxHandshakes: 1000,
        maxHandshakesPerHost: 1000,
      });
      const live: TableEntry<number>[] = [];
      for (const [index, { what, which, host, port }] of actions.entries()) {
        const entry = live[which % Math.max(1, live.length)];
        if (what === "add") {
          const there = random.at(keyOf(at(host, port)));
          if (there?.pending !== undefined || there?.established === false) continue;
          live.push(random.add(index, at(host, port), `${index}`, index));
        } else if (entry === undefined) continue;
        else if (what === "establish") random.establish(entry);
        else if (what === "move") random.move(entry, at(host, port));
        else if (what === "hear") random.heard(entry, index);
        else {
          random.remove(entry);
          live.splice(live.indexOf(entry), 1);
        }
        expect(random.size).toBe(live.length);
        expect(random.handshaking).toBe(live.filter((some) => !some.established).length);
        for (const some of live) {
          if (some.key === undefined) continue;
          const there = random.at(some.key);
          expect(there === some || there?.pending === some).toBe(true);
        }
      }
      for (const entry of live) random.remove(entry);
      expect(random.size).toBe(0);
      for (const host of [1, 2, 3])
        for (const port of [1, 2, 3]) expect(random.at(keyOf(at(host, port)))).toBeUndefined();
      expect([...random.values()]).toEqual([]);
      const strict = random.room(at(1), 0);
      expect(strict).toEqual({ admitted: true, evict: undefined });
    }),
  );
});

test("among 50,000 associations one is found and moved to the end without a walk through the others (U10)", () => {
  const count = 50_000;
  const large = new AssociationTable<number>({
    ...limits,
    maxSessions: count,
    maxHandshakes: count,
    maxSessionsPerHost: count,
    maxHandshakesPerHost: count,
  });
  const entries = Array.from({ length: count }, (_, index) => {
    const entry = large.add(index, { address: `10.0.${index >> 8}.${index & 255}`, port: 5684 }, "r", 0);
    large.setConnectionId(entry, `id ${index}`);
    large.establish(entry);
    return entry;
  });
  // A walk for each of so many steps takes longer than a test may; without one it is a moment.
  const steps = 120_000;
  let found = 0;
  for (let step = 0; step < steps; step++) {
    const index = (step * 7919) % count;
    const entry = entries[index];
    if (entry === undefined || large.withConnectionId(`id ${index}`) !== entry) continue;
    large.heard(entry, step);
    found += 1;
  }
  expect(found).toBe(steps);
  // The one that was not heard of for longest is the first of the last round.
  const [oldest] = large.leastRecentlyHeard();
  expect(oldest).toBe(entries[((steps - count) * 7919) % count]);
});
