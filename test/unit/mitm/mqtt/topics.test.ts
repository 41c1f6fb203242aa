import mqttPacket from "mqtt-packet";
import { expect, test } from "vitest";
import { connectBytes, publishBytes, subscribeBytes, withPassword } from "../../../../mitm/mqtt/bytes.ts";
import { contains, isFilter, matches, topicsOf, topicUnder } from "../../../../mitm/mqtt/topics.ts";

test.each([
  ["a/#", "a/b/c", true],
  ["a/#", "a", true],
  ["a/+", "a/b", true],
  ["a/+", "a/b/c", false],
  ["+/b", "a/b", true],
  ["#", "$SYS/x", false],
  ["+/x", "$SYS/x", false],
  ["$SYS/#", "$SYS/x", true],
  ["a/b", "a", false],
])("MQTT 3.1.1 §4.7: %s matches %s: %s", (filter, topic, expected) => {
  expect(matches(filter, topic)).toBe(expected);
});

test.each([
  ["d/1/#", "d/1/x", true],
  ["d/1/#", "d/1/+/x", true],
  ["d/1/#", "d/1/#", true],
  ["d/1/#", "d/+/x", false],
  ["d/1/#", "#", false],
  ["d/+/x", "d/1/x", true],
  ["d/+/x", "d/+/x", true],
  ["d/+/x", "d/#", false],
  ["#", "$SYS/#", false],
  ["d/1", "d/1/x", false],
])("%s holds all that %s matches: %s", (allowed, filter, expected) => {
  expect(contains(allowed, filter)).toBe(expected);
});

test("wildcards stand alone in their level", () => {
  expect(["a/#", "+/+", "#", "a"].map(isFilter)).toEqual([true, true, true, true]);
  expect(["a#", "a/#/b", "a+/b", ""].map(isFilter)).toEqual([false, false, false, false]);
});

test("topics are Sallyport's, or what the target says", () => {
  expect(topicUnder(topicsOf({}, "d1").publish, "x")).toBe("devices/d1/up/x");
  const topics = (id: string) => ({ publish: `${id}/out`, subscribe: `+/${id}/in/#` });
  expect(topicUnder(topicsOf({ topics }, "d1").subscribe, "x")).toBe("x/d1/in/x");
  expect(topicUnder(topicsOf({ topics }, "d1").publish, "x")).toBe("d1/out");
});

test("bytes that are to be made wrong are right at first", () => {
  const read = (bytes: Buffer) => {
    const packets: unknown[] = [];
    const parser = mqttPacket.parser({ protocolVersion: 4 });
    parser.on("packet", (packet) => packets.push(packet));
    parser.on("error", (error) => packets.push(error));
    parser.parse(bytes);
    return packets;
  };
  const topic = `devices/${"x".repeat(200)}`;
  expect(read(publishBytes(topic, 7, 2))).toMatchObject([{ cmd: "publish", topic, qos: 2, messageId: 7 }]);
  expect(read(subscribeBytes("a/#", 8))).toMatchObject([
    { cmd: "subscribe", messageId: 8, subscriptions: [{ topic: "a/#", qos: 1 }] },
  ]);
  expect(read(connectBytes("d1", { username: "u" }))).toMatchObject([{ clientId: "d1", username: "u" }]);
  expect(read(withPassword(connectBytes("d1")))).toMatchObject([{ password: Buffer.from("secret") }]);
});
