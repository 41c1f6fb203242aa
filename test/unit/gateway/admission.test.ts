import fc from "fast-check";
import { expect, test } from "vitest";
import { Admission, type Place } from "../../../gateway/admission.ts";
import { defaultLimits } from "../../../gateway/limits.ts";

const limits = {
  ...defaultLimits,
  connections: 6,
  connectionsPerAddress: 3,
  handshakes: 4,
  handshakesPerAddress: 2,
};

test("each bound refuses by its own reason", () => {
  const admission = new Admission(limits);
  const enter = (address: string, done = true) => {
    const place = admission.enter(address);
    if (typeof place !== "string" && done) place.handshakeDone();
    return place;
  };
  enter("a", false);
  enter("a", false);
  expect(enter("a")).toBe("too_many_handshakes");
  enter("b", false);
  enter("c", false);
  expect(enter("d")).toBe("too_many_handshakes");

  const other = new Admission(limits);
  for (const address of ["a", "a", "a"]) {
    const place = other.enter(address);
    if (typeof place !== "string") place.handshakeDone();
  }
  expect(other.enter("a")).toBe("too_many_connections_from_address");
  for (const address of ["b", "c", "d"]) {
    const place = other.enter(address);
    if (typeof place !== "string") place.handshakeDone();
  }
  expect(other.enter("e")).toBe("too_many_connections");
});

test("however places are taken and left, the counts end at nothing, and never pass a bound", () => {
  const step = fc.record({ address: fc.constantFrom("a", "b", "c"), what: fc.nat(4), which: fc.nat() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const admission = new Admission(limits);
      const places: Place[] = [];
      for (const { address, what, which } of steps) {
        const place = places[which % Math.max(1, places.length)];
        if (what < 3) {
          const entered = admission.enter(address);
          if (typeof entered !== "string") places.push(entered);
        } else if (what === 3) place?.handshakeDone();
        else place?.leave();
        expect(admission.connections).toBeLessThanOrEqual(limits.connections);
      }
      for (const place of places) place.leave();
      for (const place of places) place.leave();
      expect(admission.connections).toBe(0);
      const again = Array.from({ length: limits.handshakesPerAddress }, () => admission.enter("a"));
      expect(again.every((place) => typeof place !== "string")).toBe(true);
    }),
  );
});
