import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { inbox } from "../support/inbox.ts";
import { bytesOf, connectBytes, packetsIn, publishBytes, subscribeBytes } from "../support/mqtt-bytes.ts";
import { type RawClient, TestGateway } from "../support/test-gateway.ts";
import { until } from "../support/until.ts";

/*
 * M-11: games with packet identifiers (MQTT 3.1.1 §2.3.1, §4.3). Each attack runs beside an operator that hears the
 * attacker's topics and a second device that must go on undisturbed; what the attacker was answered is its receipt.
 */

let at: TestGateway;
let heard: string[];
let attacker: RawClient;

beforeEach(async () => {
  at = await TestGateway.start();
  const operator = await at.connect(await at.peer("op", { kind: "operator" }));
  heard = inbox(operator);
  await operator.subscribeAsync("devices/#", { qos: 2 });
  attacker = await at.dial((await at.peer("a")).tls);
  attacker.send(connectBytes("a", { clean: false }));
  await attacker.untilReceived(4);
});
afterEach(() => at[Symbol.asyncDispose]());

const ping = "c000";
const topic = "devices/a/up/x";

function ack(cmd: "puback" | "pubrec" | "pubrel" | "pubcomp", messageId: number): Buffer {
  return bytesOf({ cmd, messageId, ...(cmd === "pubrel" ? { qos: 1 as const } : {}) });
}

/** What the gateway answered besides CONNACK and PINGRESP, as "pubrec 7". */
function answers(): string[] {
  return packetsIn(attacker.received)
    .filter(({ cmd }) => cmd !== "connack" && cmd !== "pingresp")
    .map((packet) => `${packet.cmd} ${packet.messageId}`);
}

/** Sends, then waits until the gateway has answered a PINGREQ behind it: all before was taken. */
async function sendAndDrain(...parts: ReadonlyArray<Uint8Array | string>): Promise<void> {
  const pongs = () => packetsIn(attacker.received).filter(({ cmd }) => cmd === "pingresp").length;
  const before = pongs();
  attacker.send(...parts, ping);
  await until("PINGRESP or the end", () => pongs() > before || attacker.closed);
}

/** Another device still gets its messages through, each once. */
async function expectOthersServed(): Promise<void> {
  const other = await at.connect(await at.peer("b"));
  await other.publishAsync("devices/b/up/x", "fine", { qos: 2 });
  await until("the other device's message", () => heard.includes("devices/b/up/x fine"));
  expect(heard.filter((one) => one.startsWith("devices/b/"))).toEqual(["devices/b/up/x fine"]);
  await other.endAsync();
}

test("M-11, valid twin: PUBLISH, PUBREC, PUBREL, PUBCOMP deliver a QoS 2 message once", async () => {
  attacker.send(publishBytes(topic, "once", 2, 7));
  await attacker.untilReceived(8);
  attacker.send(ack("pubrel", 7));
  await until("the message and its end", () => heard.length > 0 && answers().length === 2);
  expect(answers()).toEqual(["pubrec 7", "pubcomp 7"]);
  expect(heard).toEqual([`${topic} once`]);
});

describe("M-11: identifiers that nobody gave", () => {
  test("M-11: PUBREL without PUBLISH delivers nothing, and is answered (MQTT-4.3.3-2)", async () => {
    attacker.send(ack("pubrel", 7), ack("pubrel", 65_535));
    await until("both answers", () => answers().length === 2);
    expect(answers()).toEqual(["pubcomp 7", "pubcomp 65535"]);
    expect(heard).toEqual([]);
    await expectOthersServed();
  });

  test.each(["puback", "pubrec", "pubcomp"] as const)("M-11: %s for an unknown identifier", async (cmd) => {
    await sendAndDrain(ack(cmd, 1), ack(cmd, 4711));
    expect(heard).toEqual([]);
    await expectOthersServed();
    expect(at.eventsOf("warning")).toEqual([]);
  });

  test("M-11: acknowledging another device's identifiers takes nothing from its queue", async () => {
    const victim = await at.dial((await at.peer("v")).tls);
    victim.send(connectBytes("v", { clean: false }), subscribeBytes("devices/v/down/#", 1));
    await victim.untilReceived(9);
    const operator = await at.connect(await at.peer("op2", { kind: "operator" }));
    await operator.publishAsync("devices/v/down/x", "kept", { qos: 1 });
    await until("the victim has it", () => packetsIn(victim.received).length === 3);
    const [, , first] = packetsIn(victim.received);
    // The attacker acknowledges every identifier near the victim's; the victim itself never does.
    const id = first?.messageId ?? 1;
    await sendAndDrain(...Array.from({ length: 20 }, (_, n) => ack("puback", Math.max(1, id - 10) + n)));
    victim.socket.destroy();
    await at.event("session.closed", ({ session }) => session.deviceId === "v");
    const back = await at.dial((await at.peer("v")).tls);
    back.send(connectBytes("v", { clean: false }));
    await until("it comes again", () => packetsIn(back.received).some(({ cmd }) => cmd === "publish"));
  });
});

describe("M-11: identifiers used again", () => {
  test("M-11: the same identifier before PUBREL is the same message (MQTT-4.3.3-2), delivered once", async () => {
    await sendAndDrain(publishBytes(topic, "first", 2, 7));
    await sendAndDrain(publishBytes(topic, "other", 2, 7), publishBytes(topic, "other", 2, 7));
    await sendAndDrain(ack("pubrel", 7), ack("pubrel", 7));
    await until("the first", () => heard.length > 0);
    expect(answers().filter((one) => one === "pubrec 7").length).toBeGreaterThan(0);
    expect(heard).toEqual([`${topic} first`]);
    // Once it is released the identifier is free again.
    await sendAndDrain(publishBytes(topic, "second", 2, 7));
    await until("the second", () => heard.length === 2);
    expect(heard).toEqual([`${topic} first`, `${topic} second`]);
  });

  test("M-11: the same identifier at QoS 1 and QoS 2 at once mixes nothing up", async () => {
    await sendAndDrain(publishBytes(topic, "two", 2, 9), publishBytes(topic, "one", 1, 9), ack("pubrel", 9));
    await until("both", () => heard.length === 2);
    expect(heard.toSorted()).toEqual([`${topic} one`, `${topic} two`]);
    await expectOthersServed();
  });
});

describe("M-11: packet identifier 0, which MQTT-2.3.1-1 forbids", () => {
  test("M-11: packet identifier 0 in PUBLISH delivers nothing and closes the connection", async () => {
    attacker.send("3210000c646576696365732f612f75700000");
    await attacker.untilClosed();
    expect((await at.event("session.closed")).reason).toBe("protocol_error");
    expect(heard).toEqual([]);
    await expectOthersServed();
  });

  test.each([
    ["PUBACK", "40020000"],
    ["PUBREC", "50020000"],
    ["PUBREL", "62020000"],
    ["PUBCOMP", "70020000"],
    ["SUBSCRIBE", "820a00000005612f622f6300"],
    ["UNSUBSCRIBE", "a20900000005612f622f63"],
  ])("M-11: packet identifier 0 in %s closes the connection", async (_title, bytes) => {
    attacker.send(bytes);
    await attacker.untilClosed();
    expect((await at.event("session.closed")).reason).toBe("protocol_error");
    expect(heard).toEqual([]);
    expect(packetsIn(attacker.received).filter(({ cmd }) => cmd === "publish")).toEqual([]);
    await expectOthersServed();
  });
});

test("M-11: a flood of QoS 2 messages without PUBREL is bounded, and others are served meanwhile", async () => {
  const batch = 500;
  const before = process.memoryUsage().heapUsed;
  for (let from = 1; from < 6_000 && !attacker.closed; from += batch) {
    attacker.send(
      ...Array.from({ length: batch }, (_, n) => publishBytes(topic, "x".repeat(1000), 2, from + n)),
    );
    await until(
      "it was taken",
      () => attacker.closed || answers().length >= Math.min(from + batch - 1, 1_000),
    );
  }
  await expectOthersServed();
  await at.event("session.closed", ({ session }) => session.deviceId === "a");
  expect(answers().length).toBeLessThanOrEqual(1_100);
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(200 * 2 ** 20);
});
