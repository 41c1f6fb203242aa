import { beforeEach, describe, expect, test } from "vitest";
import type { DeviceRegistry } from "../../../gateway/index.ts";
import { RememberedRegistry } from "../../../gateway/remembered-registry.ts";

let asked: string[];
let counter: number;
let revokedAt: Date | undefined;
let registry: DeviceRegistry;
beforeEach(() => {
  asked = [];
  counter = 1;
  revokedAt = undefined;
  registry = {
    device(id) {
      asked.push(`device ${id}`);
      return id === "nobody" ? undefined : { kind: "device", status: "active", group: "g" };
    },
    certificate(fingerprint) {
      asked.push(`certificate ${fingerprint}`);
      if (fingerprint === "unknown") return undefined;
      return { identityKind: "device", identityId: "d1", ...(revokedAt && { revokedAt }) };
    },
    certificatesOf: () => [],
    changeCounter: () => counter,
  };
});

describe("RememberedRegistry", () => {
  test("what is known is asked once while nothing changes", () => {
    const remembered = new RememberedRegistry(registry, 10);
    remembered.changeCounter();
    for (let i = 0; i < 3; i++) {
      expect(remembered.certificate("aa")).toEqual({ identityKind: "device", identityId: "d1" });
      expect(remembered.device("d1")).toEqual({ kind: "device", status: "active", group: "g" });
    }
    expect(asked).toEqual(["certificate aa", "device d1"]);
  });

  test("a revocation is seen by the first judgement after it", () => {
    const remembered = new RememberedRegistry(registry, 10);
    remembered.changeCounter();
    expect(remembered.certificate("aa")?.revokedAt).toBeUndefined();
    revokedAt = new Date(5);
    counter = 2;
    remembered.changeCounter();
    expect(remembered.certificate("aa")?.revokedAt).toEqual(new Date(5));
  });

  test("what is not known is not remembered, and the rest is bounded", () => {
    const remembered = new RememberedRegistry(registry, 2);
    remembered.changeCounter();
    remembered.certificate("unknown");
    remembered.certificate("unknown");
    remembered.device("nobody");
    remembered.device("nobody");
    expect(asked).toHaveLength(4);
    for (const id of ["a", "b", "c", "a"]) remembered.device(id);
    expect(asked.filter((one) => one === "device a")).toHaveLength(2);
  });

  test("a count serves for 10 ms, and reading it anew shows the change to everybody", () => {
    let now = 0;
    const remembered = new RememberedRegistry(registry, 10, () => now);
    expect(remembered.recentCounter()).toBe(1);
    counter = 2;
    now = 9;
    expect(remembered.recentCounter()).toBe(1);
    expect(remembered.changeCounter()).toBe(2);
    expect(remembered.recentCounter()).toBe(2);
    counter = 3;
    now = 19;
    expect(remembered.recentCounter()).toBe(3);
  });

  test("a count that cannot be read does not make the last one younger", () => {
    let now = 0;
    const remembered = new RememberedRegistry(registry, 10, () => now);
    remembered.changeCounter();
    now = 20;
    registry.changeCounter = () => {
      throw new Error("disk");
    };
    expect(() => remembered.recentCounter()).toThrow("disk");
    expect(() => remembered.recentCounter()).toThrow("disk");
  });

  test("before the counter was looked at nothing is remembered", () => {
    const remembered = new RememberedRegistry(registry, 10);
    remembered.certificate("aa");
    remembered.certificate("aa");
    expect(asked).toHaveLength(2);
  });
});
