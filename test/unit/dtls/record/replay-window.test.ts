import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ReplayWindow } from "../../../../dtls/record/replay-window.ts";
import { maxSequence } from "../../../../dtls/wire/record.ts";

/** The rule itself, without its cleverness: everything that was received, and the newest. */
class Model {
  readonly #received = new Set<number>();
  #newest = -1;

  accepts(sequence: number): boolean {
    return !this.#received.has(sequence) && sequence > this.#newest - 64;
  }

  mark(sequence: number): void {
    this.#received.add(sequence);
    this.#newest = Math.max(this.#newest, sequence);
  }
}

/** Steps around 0, the borders of the two halves of the window, of 32 bits, and of 48. */
const places = [0, 1, 31, 32, 33, 63, 64, 65, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 32 + 64, maxSequence];
const sequence = fc
  .tuple(fc.constantFrom(...places), fc.integer({ min: -130, max: 130 }))
  .map(([place, offset]) => Math.min(Math.max(place + offset, 0), maxSequence));

describe("replay window", () => {
  test("RFC 6347 §4.1.2.6: a number is accepted once (R1.6)", () => {
    const window = new ReplayWindow();
    expect(window.accepts(0)).toBe(true);
    window.mark(0);
    expect(window.accepts(0)).toBe(false);
    expect(window.accepts(1)).toBe(true);
  });

  test("RFC 6347 §4.1.2.6: 64 numbers back are remembered, what is older is refused (R1.6)", () => {
    for (const newest of [63, 64, 1000, 2 ** 32 + 5, maxSequence]) {
      const window = new ReplayWindow();
      window.mark(newest);
      for (let age = 1; age < 64; age++) {
        expect(window.accepts(newest - age), `${age} before ${newest}`).toBe(true);
        window.mark(newest - age);
        expect(window.accepts(newest - age), `${age} before ${newest}, again`).toBe(false);
      }
      expect(window.accepts(newest - 64)).toBe(false);
    }
  });

  test("asking changes nothing: the record is not verified yet (F1)", () => {
    const window = new ReplayWindow();
    window.mark(5);
    const before = window.exportState();
    expect(window.accepts(maxSequence)).toBe(true);
    expect(window.accepts(4)).toBe(true);
    expect(window.exportState()).toEqual(before);
  });

  test("a jump forward of any size is valid, and the numbers before it stay known as far as they fit (F4)", () => {
    for (const jump of [1, 31, 32, 33, 63, 64, 65, 1000, 2 ** 31, 2 ** 32, 2 ** 40]) {
      const window = new ReplayWindow();
      window.mark(10);
      expect(window.accepts(10 + jump), `by ${jump}`).toBe(true);
      window.mark(10 + jump);
      expect(window.newest).toBe(10 + jump);
      for (let age = 0; age < 64 && age <= 10 + jump; age++) {
        expect(window.accepts(10 + jump - age), `${age} back after ${jump}`).toBe(age !== 0 && age !== jump);
      }
      expect(window.accepts(10 + jump - 64), `by ${jump}`).toBe(false);
    }
  });

  test("the borders of 32 and of 48 bits are numbers like all others (F5)", () => {
    for (const border of [2 ** 31, 2 ** 32, 2 ** 47]) {
      const window = new ReplayWindow();
      for (let n = border - 40; n <= border + 40; n++) {
        expect(window.accepts(n), `${n}`).toBe(true);
        window.mark(n);
        expect(window.accepts(n), `${n}, again`).toBe(false);
      }
      expect(window.accepts(border)).toBe(false);
      // Equal to it modulo 2^32, which a 32-bit window would take for the same.
      expect(window.accepts(border + 2 ** 32)).toBe(true);
    }
    const last = new ReplayWindow();
    last.mark(maxSequence - 1);
    expect(last.accepts(maxSequence)).toBe(true);
    last.mark(maxSequence);
    expect([last.accepts(maxSequence - 1), last.accepts(maxSequence)]).toEqual([false, false]);
  });

  test("any order of numbers is judged as by a list of all that were received (R1.6, F4, F5)", () => {
    fc.assert(
      fc.property(fc.array(sequence, { maxLength: 200 }), (sequences) => {
        const [window, model] = [new ReplayWindow(), new Model()];
        for (const n of sequences) {
          expect(window.accepts(n), `${n} of ${sequences.join()}`).toBe(model.accepts(n));
          if (model.accepts(n)) {
            window.mark(n);
            model.mark(n);
          }
        }
      }),
    );
  });

  test("its exported state remembers the same numbers", () => {
    fc.assert(
      fc.property(fc.array(sequence, { maxLength: 100 }), sequence, (sequences, probe) => {
        const window = new ReplayWindow();
        for (const n of sequences) if (window.accepts(n)) window.mark(n);
        const copy = new ReplayWindow(JSON.parse(JSON.stringify(window.exportState())));
        expect(copy.accepts(probe)).toBe(window.accepts(probe));
        expect(copy.exportState()).toEqual(window.exportState());
      }),
    );
  });
});
