import { describe, expect, test } from "vitest";
import { ValidatedPath, validatePath } from "../../../../pki/index.ts";
import { mintCa, mintDevice, mintRoot, NOW } from "../../../support/chain-builder.ts";

const root = mintRoot();
const ca = mintCa(root);
const device = mintDevice(ca, "pump-1");
const make = () =>
  validatePath({
    chain: [device.certificate, ca.certificate],
    anchors: [root.certificate],
    purpose: "clientAuth",
    now: NOW,
  });

describe("a ValidatedPath is a proof", () => {
  test("it holds the path that was validated", () => {
    const path = make();
    expect(path.leaf).toBe(device.certificate);
    expect(path.path).toEqual([device.certificate, ca.certificate, root.certificate]);
    expect(path.anchor).toBe(root.certificate);
    expect(path.purpose).toBe("clientAuth");
    expect(ValidatedPath.is(path)).toBe(true);
  });
  test("nothing but validatePath makes one", () => {
    // @ts-expect-error: the constructor is private
    const build = () => new ValidatedPath(Symbol("validated path"), [device.certificate], "clientAuth", NOW);
    expect(build).toThrow(TypeError);
    expect(() => Reflect.construct(ValidatedPath, [undefined, [device.certificate]])).toThrow(TypeError);
    // @ts-expect-error: a look-alike is no proof
    const forged: ValidatedPath = { leaf: device.certificate, path: [], purpose: "clientAuth" };
    expect(ValidatedPath.is(forged)).toBe(false);
    const posing: unknown = Object.create(ValidatedPath.prototype);
    expect(ValidatedPath.is(posing)).toBe(false);
    expect(() => Reflect.get(Object(posing), "leaf")).toThrow(TypeError);
  });
  test("nothing changes it afterwards", () => {
    const path = make();
    expect(Object.isFrozen(path)).toBe(true);
    expect(Object.isFrozen(path.path)).toBe(true);
    path.validUntil.setTime(0);
    expect(path.validUntil.getTime()).toBeGreaterThan(NOW.getTime());
  });
});
