import { once } from "node:events";
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ownPair } from "../../cli/mitm/own-pair.ts";
import type { LabAtPair } from "../../mitm/lab/at-pair.ts";
import { LabPki } from "../../mitm/mint/lab-pki.ts";
import type { PairTarget } from "../../mitm/targets.ts";
import { boundSocket, closedPort, record, TcpEnds, UdpEnds } from "../support/mitm/bare-ends.ts";
import { pairLab } from "../support/mitm/pair-lab.ts";
import { until } from "../support/until.ts";

let own: PairTarget;
beforeAll(async () => {
  own = await ownPair(await LabPki.create());
});
afterAll(() => own.close?.());

const seenBy = (lab: LabAtPair) => lab.recorder.steps.map(({ from, what }) => `${from}: ${what}`);

describe("the path without rules", () => {
  test("lets a session over TLS through, and names what can be seen of it", async () => {
    await using lab = pairLab(own, "tls");
    const path = await lab.tcpPath();
    const session = await lab.session(path);
    expect(await session.opened).toBe(true);
    expect(await lab.exchange(session)).toBe(true);
    expect(await lab.exchange(session, "gateway")).toBe(true);
    expect(seenBy(lab)).toEqual(
      expect.arrayContaining(["device: ClientHello", "gateway: ServerHello", "device: application data"]),
    );
    expect(lab.recorder.steps.some(({ attack }) => attack === true)).toBe(false);
    expect(lab.recorder.delivered).toBeUndefined();
    await session.close();
    expect(await session.ended).toBe("closed by the lab");
  });

  test("lets a session over DTLS through, with its connection ids", async () => {
    await using lab = pairLab(own, "dtls");
    const path = await lab.udpPath();
    const session = await lab.session(path);
    expect(await session.opened).toBe(true);
    expect(await lab.exchange(session)).toBe(true);
    expect(path.latest?.usesConnectionIds).toBe(true);
    expect(seenBy(lab)).toEqual(
      expect.arrayContaining([
        "device: ClientHello",
        "gateway: HelloVerifyRequest",
        "device: record with a connection id",
      ]),
    );
  });

  test("tells whether a session is open from what passes, where it cannot ask the ends", async () => {
    for (const transport of ["tls", "dtls"] as const) {
      await using lab = pairLab(own, transport);
      const path = await (transport === "tls" ? lab.tcpPath() : lab.udpPath());
      const watching = path.sessionOnTheWire();
      const session = await lab.session(path);
      const watched = await watching;
      expect(await session.opened).toBe(true);
      expect(await lab.exchange(session)).toBe(true);
      expect(await watched.opened).toBe(true);
      expect(watched.isOpen).toBe(true);
      await session.close();
      expect(await watched.ended).not.toBe("");
      expect(watched.isOpen).toBe(false);
    }
  });

  test("counts both sides as flows of their own in the capture", async () => {
    await using lab = pairLab(own, "dtls");
    const session = await lab.session(await lab.udpPath());
    expect(await session.opened).toBe(true);
    const [device, gateway] = [...lab.recorder.flows.values()];
    expect(gateway?.server.port).toBe(own.gateway.dtls?.port);
    expect(device?.client.port).not.toBe(gateway?.client.port);
    const bytesOf = (connection: number, from: "client" | "server") =>
      lab.recorder.packets
        .filter((packet) => packet.connection === connection && packet.from === from)
        .reduce((sum, { bytes }) => sum + bytes.length, 0);
    expect(bytesOf(1, "client")).toBe(bytesOf(2, "client"));
    expect(bytesOf(1, "server")).toBe(bytesOf(2, "server"));
  });
});

describe("the TCP proxy", () => {
  test("delays a record and all that come after it, in their order", async () => {
    await using ends = await TcpEnds.meet(own);
    ends.lab.recorder.steps.length = 0;
    ends.path.rules = { record: ({ index }) => (index === 0 ? { delayMs: 20 } : undefined) };
    ends.device.write(Buffer.concat([record("first"), record("second")]));
    expect(await ends.gatewayGets(2)).toEqual(["first", "second"]);
    expect(ends.lab.recorder.steps.find(({ attack }) => attack === true)?.note).toBe("late");
  });

  test("passes the end of one direction on, and the other direction stays open", async () => {
    await using ends = await TcpEnds.meet(own);
    ends.device.end(record("last"));
    expect(await ends.gatewayGets(1)).toEqual(["last"]);
    await until("the end", () => ends.gateway.readableEnded);
    ends.gateway.write(record("answer"));
    const [answer] = await once(ends.device, "data");
    expect(Buffer.from(answer).subarray(5).toString()).toBe("answer");
  });

  test("passes what never became a whole record before the end", async () => {
    await using ends = await TcpEnds.meet(own);
    ends.device.end(record("half of it").subarray(0, 8));
    await until("the end", () => ends.gateway.readableEnded);
    expect(Buffer.concat(ends.chunks)).toEqual(record("half of it").subarray(0, 8));
  });

  test("keeps an end to itself where a rule says so, and resets on demand", async () => {
    await using ends = await TcpEnds.meet(own);
    ends.path.rules = { end: () => false };
    ends.device.end();
    await until("the device's end", () => ends.path.latest?.ended("device") === "FIN");
    expect(ends.gateway.readableEnded).toBe(false);
    const lost = once(ends.gateway, "error");
    ends.path.latest?.reset("gateway");
    expect(String((await lost)[0])).toMatch(/ECONNRESET/);
  });

  test("has the device find out that there is no gateway", async () => {
    const port = await closedPort();
    const nobody = { ...own, gateway: { tls: { host: "127.0.0.1", port } } };
    await using lab = pairLab(nobody, "tls");
    const path = await lab.tcpPath();
    const device = connect(path.address.port, "127.0.0.1");
    device.on("error", () => undefined);
    await once(device, "close");
    expect(path.latest?.isOpen).toBe(false);
  });
});

describe("the UDP relay", () => {
  test("drops, delays, doubles and changes single datagrams, and says so", async () => {
    await using ends = await UdpEnds.meet(own);
    ends.path.rules = {
      datagram: ({ bytes }) => {
        switch (Buffer.from(bytes).toString()) {
          case "drop":
            return { instead: [] };
          case "late":
            return { delayMs: 20 };
          case "twice":
            return { instead: [bytes, bytes] };
          case "changed":
            return { instead: [Buffer.from("other")], note: "another text" };
          default:
            return undefined;
        }
      },
    };
    for (const text of ["drop", "late", "twice", "changed", "as it is"])
      ends.device.send(text, ends.path.address.port);
    await until("all of them", () => ends.heard.includes("late"));
    expect(ends.heard).toEqual(["twice", "twice", "other", "as it is", "late"]);
    const notes = ends.lab.recorder.steps.flatMap(({ attack, note }) => (attack === true ? [note] : []));
    expect(notes).toEqual(["dropped", "changed", "changed", "another text", "late"]);
  });

  test("gives each address of the device a flow, and answers go back to it", async () => {
    await using ends = await UdpEnds.meet(own);
    const other = await boundSocket();
    other.send("from the other", ends.path.address.port);
    ends.device.send("from the one", ends.path.address.port);
    await until("both", () => ends.heard.length === 2);
    expect(ends.path.flows).toHaveLength(2);
    const answered = once(other, "message");
    const index = ends.heard.indexOf("from the other");
    ends.gateway.send("answer", ends.peers[index] ?? 0);
    expect(String((await answered)[0])).toBe("answer");
    other.close();
  });

  test("gives the device another port, and tells apart who else sends", async () => {
    await using ends = await UdpEnds.meet(own);
    ends.device.send("before", ends.path.address.port);
    await until("the first", () => ends.heard.length === 1);
    await ends.path.latest?.rebind();
    ends.device.send("after", ends.path.address.port);
    await until("the second", () => ends.heard.length === 2);
    expect(ends.peers[0]).not.toBe(ends.peers[1]);
    const stranger = await ends.path.source();
    stranger.send(Buffer.from("hello"), "a text", "from elsewhere");
    await until("the third", () => ends.heard.length === 3);
    expect(ends.peers[2]).toBe(stranger.address.port);
    ends.gateway.send("to the stranger", stranger.address.port);
    await until("the answer", () => stranger.receivedBytes === 15);
  });
});
