import { expect, test } from "vitest";
import { answerTo } from "../support/answer-to.ts";
import { inbox } from "../support/inbox.ts";
import { connectBytes, publishBytes } from "../support/mqtt-bytes.ts";
import { tempDirectory } from "../support/temp-directory.ts";
import { TestGateway } from "../support/test-gateway.ts";
import { until } from "../support/until.ts";

test.each([
  [
    "M-12: MQTT-3.1.0-1: a first packet that is not CONNECT",
    publishBytes("devices/d1/up/a", "x"),
    "first_packet_not_connect",
    "",
  ],
  ["P-21: HTTP inside TLS", Buffer.from("GET / HTTP/1.1\r\n\r\n"), "first_packet_not_connect", ""],
  [
    "M-12: MQTT 3.1.1 §2.2.3: a remaining length of five bytes",
    Buffer.from("10ffffffffff", "hex"),
    "packet_too_large",
    "",
  ],
  ["M-12: a CONNECT of 256 MB announced", Buffer.from("10ffffff7f", "hex"), "packet_too_large", ""],
  [
    "M-12: a CONNECT too short for its protocol name",
    Buffer.from("100200044d", "hex"),
    "malformed_packet",
    "",
  ],
  [
    "M-12: another protocol's name",
    Buffer.from("101000044d515454".replace("4d515454", "58595a30") + "040200000000000000", "hex"),
    "malformed_packet",
    "",
  ],
  ["M-12: MQTT-3.1.2-3: the reserved connect flag", flagged(connectBytes("d1"), 0x01), "protocol_error", ""],
  [
    "M-12: MQTT-3.1.2-22: a password without a user name",
    Buffer.from("101200044d515454044200000002643100027878", "hex"),
    "protocol_error",
    "",
  ],
  [
    "M-12: MQTT-2.2.2-2: reserved flags of the fixed header",
    Buffer.from("1100", "hex"),
    "malformed_packet",
    "",
  ],
  [
    "M-12: MQTT-3.1.0-2: CONNECT twice",
    Buffer.concat([connectBytes("d1"), connectBytes("d1")]),
    "protocol_error",
    "",
  ],
])("%s closes the connection", async (_title, bytes, reason, received) => {
  expect(await answerTo(bytes)).toEqual({ reason, received });
});

test("connections that break while their CONNECT is worked on leave no client in the broker", async () => {
  await using state = tempDirectory();
  const access = { operator: { subscribe: ["$SYS/#"] } };
  await using at = await TestGateway.start({ stateDirectory: state.path, access });
  const operator = await at.connect(await at.peer("op", { kind: "operator" }));
  const got = inbox(operator);
  await operator.subscribeAsync(["$SYS/+/new/clients", "$SYS/+/disconnect/clients"]);
  const told = (what: string) =>
    got.filter((one) => one.includes(`/${what}/clients d1`)).map((one) => one.split(" ")[1]);
  const { tls } = await at.peer("d1");
  const will = { topic: "devices/d1/up/gone", payload: Buffer.from("x"), qos: 1, retain: false } as const;
  // The will is written to disk first: most of these are gone by then.
  for (let n = 0; n < 20; n += 1) {
    const client = await at.dial(tls);
    client.socket.write(connectBytes(`d1/${n}`, { clean: false, will }), () => client.socket.destroy());
  }
  await until("all are gone", () => {
    const ended = [...at.eventsOf("connection.refused"), ...at.eventsOf("session.closed")];
    return ended.length === 20;
  });
  const last = await at.connect(await at.peer("d1"), { clientId: "d1/last" });
  await last.endAsync();
  await until("the last one's end", () => told("disconnect").includes("d1/last"));
  const left = () => told("new").filter((id) => !told("disconnect").includes(id));
  await until("the broker has let go of each", () => left().length === 0);
});

test("M-12: a packet larger than the limit is refused from its fixed header alone", async () => {
  const header = Buffer.from("30ffff7f", "hex");
  const { reason } = await answerTo(Buffer.concat([connectBytes("d1"), header]), {
    limits: { packetBytes: 1000 },
  });
  expect(reason).toBe("packet_too_large");
});

test("M-12: a slow CONNECT runs into the time-out", async () => {
  const { reason } = await answerTo(connectBytes("d1").subarray(0, 9), { limits: { connectTimeoutMs: 100 } });
  expect(reason).toBe("connect_timeout");
});

function flagged(connect: Buffer, flag: number): Buffer {
  connect[9] = (connect[9] ?? 0) | flag;
  return connect;
}

test("M-12: a CONNECT that goes on byte by byte does not outlive the time-out", async () => {
  await using at = await TestGateway.start({ limits: { connectTimeoutMs: 300 } });
  const raw = await at.dial((await at.peer("d1")).tls);
  const bytes = connectBytes("d1");
  let sent = 0;
  const drip = setInterval(() => raw.send(bytes.subarray(sent, ++sent)), 40);
  await raw.untilClosed();
  clearInterval(drip);
  expect(await at.refusal()).toBe("connect_timeout");
  expect(raw.received).toHaveLength(0);
  // The valid twin: the same bytes at once.
  const good = await at.dial((await at.peer("d2")).tls);
  good.send(connectBytes("d2"));
  expect((await good.untilReceived(4)).toString("hex")).toBe("20020000");
});
