import { describe, expect, test } from "vitest";
import { writeFragment, writeMessage } from "../../../../dtls/wire/handshake.ts";
import { Assembly } from "../../../../mitm/dtls/assembly.ts";
import { Tolerance } from "../../../../mitm/dtls/tolerance.ts";
import type { Weakness } from "../../../../mitm/weaknesses/index.ts";

const body = Uint8Array.from({ length: 40 }, (_, index) => index);
const type = 11;

describe("a strict end", () => {
  test("puts fragments together in any order, with overlaps", () => {
    const assembly = assemblyOf();
    assembly.add(writeFragment(type, 40, 0, 25, body.subarray(25)), 0);
    expect(assembly.next()).toBeUndefined();
    assembly.add(writeFragment(type, 40, 0, 0, body.subarray(0, 20)), 0);
    assembly.add(writeFragment(type, 40, 0, 15, body.subarray(15, 30)), 0);
    expect(assembly.next()).toMatchObject({ msgType: type, messageSeq: 0, body });
  });

  test("hands messages out in the order of their numbers, each once", () => {
    const assembly = assemblyOf();
    assembly.add(writeMessage(type, 1, body), 0);
    expect(assembly.next()).toBeUndefined();
    assembly.add(writeMessage(type, 0, body), 0);
    expect([assembly.next()?.messageSeq, assembly.next()?.messageSeq]).toEqual([0, 1]);
    expect(assembly.add(writeMessage(type, 0, body), 0)).toBe("old");
    expect(assembly.next()).toBeUndefined();
  });

  test("keeps what came first where fragments contradict each other, for both uses", () => {
    expect(contradicted(assemblyOf())).toMatchObject({ body, transcribed: body });
  });

  test.each([
    ["beyond its message", beyond()],
    ["longer than its record", writeMessage(type, 0, body).subarray(0, 30)],
    ["of a message of 16 MB", writeFragment(type, 2 ** 24 - 1, 0, 0, body)],
  ])("refuses a fragment %s", (_, record) => {
    expect(assemblyOf().add(record, 0)).toBe("refused");
  });

  test("refuses fragments that disagree about the length", () => {
    const assembly = assemblyOf();
    assembly.add(writeFragment(type, 40, 0, 0, body.subarray(0, 20)), 0);
    expect(assembly.add(writeFragment(type, 48, 0, 20, body.subarray(20)), 0)).toBe("refused");
  });

  test("keeps nothing that is far ahead", () => {
    expect(assemblyOf().add(writeMessage(type, 500, body), 0)).toBe("old");
  });

  test("goes on from another number", () => {
    const assembly = assemblyOf();
    assembly.restart(7);
    assembly.add(writeMessage(type, 7, body), 1);
    expect(assembly.next()).toMatchObject({ messageSeq: 7, epoch: 1 });
  });
});

describe("a weak twin", () => {
  test("understands one version of overlapping fragments and transcribes another", () => {
    const message = contradicted(assemblyOf("overlapping-fragments-mixed"));
    expect(message?.body).toEqual(body);
    expect(message?.transcribed).not.toEqual(body);
  });

  test("takes a fragment beyond its message", () => {
    const assembly = assemblyOf("fragment-bounds-not-checked");
    expect(assembly.add(beyond(), 0)).toBe("kept");
    expect(assembly.next()?.body).toEqual(body);
  });

  test("takes fragments that disagree about the length", () => {
    const assembly = assemblyOf("fragment-length-may-change");
    assembly.add(writeFragment(type, 40, 0, 0, body.subarray(0, 20)), 0);
    assembly.add(writeFragment(type, 48, 0, 20, body.subarray(20)), 0);
    expect(assembly.next()?.body).toEqual(body);
  });

  test("takes any number", () => {
    const assembly = assemblyOf("message-sequence-not-checked");
    assembly.add(writeMessage(type, 5, body), 0);
    assembly.add(writeMessage(type, 2, body), 0);
    expect([assembly.next()?.messageSeq, assembly.next()?.messageSeq]).toEqual([5, 2]);
  });

  test("has no memory left at some time", () => {
    const assembly = assemblyOf("handshake-memory-unbounded");
    const results = Array.from({ length: 200 }, (_, seq) =>
      assembly.add(writeFragment(type, 60_000, seq + 20, 0, body), 0),
    );
    expect(results).toContain("exhausted");
  });

  test("takes a message of any size", () => {
    const large = new Uint8Array(2 ** 17);
    const assembly = assemblyOf("handshake-size-unbounded");
    assembly.add(writeMessage(type, 0, large), 0);
    expect(assembly.next()?.body.length).toBe(large.length);
  });
});

function assemblyOf(...lacks: readonly Weakness[]): Assembly {
  return new Assembly(new Tolerance(new Set(lacks)));
}

function contradicted(assembly: Assembly) {
  const other = body.map((byte) => byte ^ 0xff);
  assembly.add(writeFragment(type, 40, 0, 0, body.subarray(0, 30)), 0);
  assembly.add(writeFragment(type, 40, 0, 20, Buffer.concat([other.subarray(20, 30), body.subarray(30)])), 0);
  return assembly.next();
}

function beyond(): Uint8Array {
  const fragment = Buffer.concat([writeMessage(type, 0, body), Uint8Array.of(1, 2, 3, 4)]);
  fragment.writeUIntBE(44, 9, 3);
  return fragment;
}

test("an attacker takes messages of any length, but not such as fill its memory", () => {
  const assembly = new Assembly(new Tolerance("everything"));
  const beginning = (length: number, messageSeq: number) =>
    Uint8Array.of(11, length >> 16, (length >> 8) & 255, length & 255, 0, messageSeq, 0, 0, 0, 0, 0, 1, 0);
  expect(assembly.add(beginning(2 ** 18, 0), 0)).toBe("kept");
  for (let messageSeq = 1; messageSeq < 10; messageSeq += 1)
    expect(assembly.add(beginning(2 ** 24 - 1, messageSeq), 0)).toBe("refused");
});
