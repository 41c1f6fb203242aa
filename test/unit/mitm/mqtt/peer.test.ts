import mqttPacket, { type Packet } from "mqtt-packet";
import { describe, expect, test } from "vitest";
import { describePacket, describePackets } from "../../../../mitm/mqtt/packet-names.ts";
import { MqttPeer } from "../../../../mitm/mqtt/peer.ts";
import { Recorder } from "../../../../mitm/record/recorder.ts";
import { connectedEnds, type FakeEnd } from "./fake-lab.ts";

function peerAndBroker(): { peer: MqttPeer; broker: FakeEnd; recorder: Recorder } {
  const recorder = new Recorder();
  const [near, broker] = connectedEnds(recorder);
  const patience = { answerMs: 100, silenceMs: 20 };
  return { peer: new MqttPeer(near, { clientId: "d1", patience, recorder }), broker, recorder };
}

function say(broker: FakeEnd, ...packets: readonly Packet[]): void {
  broker.send(Buffer.concat(packets.map((packet) => mqttPacket.generate(packet))));
}

/** What the peer said, as long as there is something. */
async function said(broker: FakeEnd): Promise<Packet[]> {
  const packets: Packet[] = [];
  const parser = mqttPacket.parser({ protocolVersion: 4 });
  parser.on("packet", (packet) => packets.push(packet));
  for (;;) {
    const received = await broker.receive(10);
    if (received.kind !== "data") return packets;
    parser.parse(Buffer.from(received.data));
  }
}

const pingresp = { cmd: "pingresp" } as const;

function publication(payload: string, qos: 0 | 1 | 2 = 0): Packet {
  const id = qos === 0 ? {} : { messageId: 9 };
  return { cmd: "publish", topic: "t", payload, qos, retain: false, dup: false, ...id };
}

describe("an MQTT peer", () => {
  test("connects as the account that it is, or as whoever it is told", async () => {
    const { peer, broker } = peerAndBroker();
    say(broker, { cmd: "connack", returnCode: 0, sessionPresent: true });
    expect(await peer.connect({ username: "u", password: "p" })).toMatchObject({
      accepted: true,
      sessionPresent: true,
      how: "MQTT CONNACK 0, session present",
    });
    say(broker, { cmd: "connack", returnCode: 5, sessionPresent: false });
    expect(await peer.connect({ clientId: "d2" })).toMatchObject({ accepted: false, returnCode: 5 });
    expect(await said(broker)).toMatchObject([
      { cmd: "connect", clientId: "d1", username: "u", password: Buffer.from("p"), clean: true },
      { cmd: "connect", clientId: "d2" },
    ]);
  });

  test("says how a CONNECT was refused without an answer", async () => {
    const { peer, broker } = peerAndBroker();
    broker.close();
    expect(await peer.connect()).toMatchObject({
      accepted: false,
      returnCode: undefined,
      how: "close_notify",
    });
    expect(peer.closed).toBe("close_notify");
    const silent = peerAndBroker();
    expect(await silent.peer.connect()).toMatchObject({ accepted: false, how: "no answer" });
    expect(silent.peer.closed).toBeUndefined();
  });

  test("goes through QoS 2, and tells what a refusal is", async () => {
    const { peer, broker } = peerAndBroker();
    say(broker, { cmd: "pubrec", messageId: 1 }, { cmd: "pubcomp", messageId: 1 });
    expect(await peer.publish("t", "x", { qos: 2 })).toEqual({ taken: true, how: "MQTT PUBCOMP" });
    say(broker, { cmd: "suback", messageId: 2, granted: [1, 128] });
    expect(await peer.subscribe(["a", "b"])).toEqual({ taken: false, how: "MQTT SUBACK 1 128" });
    expect((await said(broker)).map(({ cmd }) => cmd)).toEqual(["publish", "pubrel", "subscribe"]);
  });

  test("hears what comes before the answer that it waits for, and acknowledges it unless told not to", async () => {
    const { peer, broker } = peerAndBroker();
    say(broker, publication("early", 1), pingresp);
    expect((await peer.ping()).taken).toBe(true);
    expect(await peer.hears("early")).toBe(true);
    peer.acknowledges = false;
    say(broker, publication("later", 2), pingresp);
    expect(await peer.hears("later")).toBe(true);
    expect((await said(broker)).map(({ cmd }) => cmd)).toEqual(["pingreq", "puback"]);
  });

  test("hears nothing only when a PINGREQ was answered behind it", async () => {
    const { peer, broker } = peerAndBroker();
    const heard = peer.hears("slow", 1);
    // Not before the PINGREQ is there, which comes after the time is up.
    expect((await broker.receive(1_000)).kind).toBe("data");
    say(broker, publication("slow"), pingresp);
    expect(await heard).toBe(true);
  });

  test("notes at the record what was read from it", async () => {
    const { peer, broker, recorder } = peerAndBroker();
    say(broker, pingresp, pingresp, publication("x"));
    await peer.ping();
    expect(recorder.steps).toMatchObject([
      { from: "lab", note: "MQTT PINGREQ" },
      { from: "gateway", note: "MQTT PINGRESP × 2, MQTT PUBLISH to t" },
    ]);
  });

  test("takes what is no MQTT, or has no end, for the end", async () => {
    const odd = peerAndBroker();
    odd.broker.send(Buffer.from("HTTP/1.1 400 Bad Request\r\n\r\n"));
    expect(await odd.peer.closes()).toMatch(/^not MQTT: /);
    const endless = peerAndBroker();
    endless.broker.send(Buffer.from("30ffffff7f", "hex"));
    for (let sent = 0; sent <= 2 ** 20; sent += 2 ** 14) endless.broker.send(new Uint8Array(2 ** 14));
    expect(await endless.peer.closes()).toBe("a packet without end");
  });
});

test("packets are named by what matters of them, and odd names do no harm to a transcript", () => {
  const connect: Packet = {
    cmd: "connect",
    clientId: `a\0\u001b[2J${"x".repeat(200)}`,
    will: { topic: "devices/v/down/x", payload: "x" },
  };
  const name = describePacket(connect);
  expect(name).toMatch(
    /^MQTT CONNECT as a\\u0000\\u001b\[2Jx+… \(206 characters\), will to devices\/v\/down\/x$/,
  );
  const many = Array.from({ length: 50 }, (_, n): Packet => ({ cmd: n % 2 === 0 ? "pingreq" : "pingresp" }));
  expect(describePackets(many).split(", ")).toHaveLength(8);
});
