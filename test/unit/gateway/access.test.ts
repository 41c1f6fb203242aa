import { describe, expect, test } from "vitest";
import { Access } from "../../../gateway/access.ts";

const device = { kind: "device", id: "pump-1" } as const;

test("by default a device publishes under its up topic and subscribes under its down topic", () => {
  const rights = new Access().rightsOf(device);
  expect(rights.mayPublish("devices/pump-1/up/t")).toBe(true);
  expect(rights.maySubscribe("devices/pump-1/down/#")).toBe(true);
  expect(rights.mayReceive("devices/pump-1/down/x")).toBe(true);
  for (const topic of [
    "devices/pump-2/up/t",
    "devices/pump-1/down/t",
    "x",
    "$SYS/x",
    "devices/pump-10/up/t",
  ]) {
    expect([topic, rights.mayPublish(topic)]).toEqual([topic, false]);
  }
  for (const filter of [
    "#",
    "devices/#",
    "devices/+/down/#",
    "devices/pump-1/#",
    "devices/pump-1/up/#",
    "$SYS/#",
  ]) {
    expect([filter, rights.maySubscribe(filter)]).toEqual([filter, false]);
  }
});

test("default deny: an empty policy for a kind allows nothing", () => {
  const rights = new Access({ device: {}, operator: {} }).rightsOf(device);
  expect(rights.mayPublish("devices/pump-1/up/t")).toBe(false);
  expect(rights.maySubscribe("devices/pump-1/down/#")).toBe(false);
  expect(rights.mayReceive("devices/pump-1/down/x")).toBe(false);
});

test("a group adds to its kind, and only for its members", () => {
  const access = new Access({ groups: { line1: { publish: ["lines/{group}/{id}"], retain: false } } });
  const member = access.rightsOf({ ...device, group: "line1" });
  expect(member.mayPublish("lines/line1/pump-1")).toBe(true);
  expect(member.mayPublish("devices/pump-1/up/t")).toBe(true);
  expect(member.mayRetain).toBe(false);
  for (const group of [undefined, "line2", "constructor", "__proto__"]) {
    const other = access.rightsOf({ ...device, group });
    expect([group, other.mayPublish("lines/line1/pump-1"), other.mayRetain]).toEqual([group, false, true]);
  }
});

test.each(["a/b", "+", "#", "", "$SYS", "a\u0000b"])(
  "M-05: %j as a name breaks out of no template",
  (name) => {
    const access = new Access({
      device: { publish: ["devices/{id}/up"], subscribe: ["{id}/#", "g/{group}/#"] },
    });
    const rights = access.rightsOf({ kind: "device", id: name, group: name });
    expect(rights.mayPublish(`devices/${name}/up`)).toBe(false);
    expect(rights.mayPublish("devices/x/up")).toBe(false);
    expect(rights.maySubscribe(`${name}/#`)).toBe(false);
    expect(rights.maySubscribe("g/#")).toBe(false);
  },
);

test("what is no topic or filter is denied, even where a template would match", () => {
  const rights = new Access({ device: { publish: ["#"], subscribe: ["#"] } }).rightsOf(device);
  expect(rights.mayPublish("a/b")).toBe(true);
  expect(["a/+", "#", "", "a\u0000", "$SYS/x"].filter((topic) => rights.mayPublish(topic))).toEqual([]);
  expect(["a#", "+a", "$share/g/a", "$SYS/#"].filter((filter) => rights.maySubscribe(filter))).toEqual([]);
});

test("verdicts stay right while more topics pass by than are remembered", () => {
  const rights = new Access().rightsOf(device);
  for (let n = 0; n < 2000; n += 1) {
    expect(rights.mayPublish(`devices/pump-1/up/${n}`)).toBe(true);
    expect(rights.mayPublish(`devices/pump-2/up/${n}`)).toBe(false);
  }
});

describe("a policy that is wrong is refused with the path of what is wrong", () => {
  test.each([
    [{ devices: {} }, "access.devices"],
    [{ device: { pub: [] } }, "access.device.pub"],
    [{ device: { publish: "x" } }, "access.device.publish"],
    [{ device: { publish: ["a/#/b"] } }, "access.device.publish[0]"],
    [{ device: { publish: ["ok", 7] } }, "access.device.publish[1]"],
    [{ device: { publish: ["a/x{id}"] } }, "access.device.publish[0]"],
    [{ device: { publish: ["a/{name}"] } }, "access.device.publish[0]"],
    [{ device: { subscribe: ["$SYS/#"] } }, "access.device.subscribe[0]"],
    [{ operator: { publish: ["$SYS/#"] } }, "access.operator.publish[0]"],
    [{ operator: { subscribe: ["$share/g/a"] } }, "access.operator.subscribe[0]"],
    [{ groups: { g: { subscribe: ["$SYS/#"] } } }, "access.groups.g.subscribe[0]"],
    [{ device: { retain: "no" } }, "access.device.retain"],
    [{ groups: [] }, "access.groups"],
    [null, "access"],
  ])("%j", (policy, path) => {
    const make = () => new Access(policy);
    expect(make).toThrow(expect.objectContaining({ code: "GATEWAY_ACCESS_INVALID" }));
    expect(make).toThrow(path);
  });
});
