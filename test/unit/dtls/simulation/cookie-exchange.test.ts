import { describe, expect, test } from "vitest";
import { handshakeIn, recordsIn } from "../../../support/dtls/inspect.ts";
import { delayFirst, dropFirst } from "../../../support/dtls/network.ts";
import { Pair } from "../../../support/dtls/pair.ts";

describe("the cookie exchange, from the client's side", () => {
  test.each([1, 2, 3])("RFC 6347 §4.2.1: %i lost HelloVerifyRequests are made up for (U8, R2.6)", (lost) => {
    const pair = new Pair({ serverFaults: { fate: dropFirst("hello_verify_request", lost) } }).handshake();
    expect(pair.established).toBe(true);
    expect(pair.timesOf("hello_verify_request")).toHaveLength(lost + 1);
  });

  test("a HelloVerifyRequest that comes when the handshake is over changes nothing (B1, U8)", () => {
    // The delayed one answers the first ClientHello; the client sent that again meanwhile.
    const pair = new Pair({ serverFaults: { fate: delayFirst("hello_verify_request", 5000) } }).handshake();
    expect(pair.established).toBe(true);
    pair.simulation.runFor(10_000);
    expect(pair.server.sessions).toHaveLength(1);
    expect(pair.echo("hello")).toBe("hello");
  });

  test("RFC 6347 §4.2.1: the second ClientHello differs from the first by its cookie alone (R2.5, A6)", () => {
    const pair = new Pair().handshake();
    const [first, second] = pair
      .sentBy("client")
      .flatMap(({ bytes }) => handshakeIn(bytes))
      .filter(({ msgType }) => msgType === 1)
      .map(({ body }) => Buffer.from(body));
    if (first === undefined || second === undefined) throw new Error("two ClientHellos are needed");
    const cookieLength = second[35] ?? 0;
    expect(first[35]).toBe(0);
    expect(Buffer.concat([second.subarray(0, 35), Buffer.of(0), second.subarray(36 + cookieLength)])).toEqual(
      first,
    );
  });

  test("RFC 6347 §4.2.2: message_seq of the two ClientHellos is 0 and 1 (R3.1)", () => {
    const pair = new Pair().handshake();
    const numbers = pair
      .sentBy("client")
      .flatMap(({ bytes }) => handshakeIn(bytes))
      .map(({ messageSeq }) => messageSeq);
    expect(numbers).toEqual([0, 1, 2, 3, 4]);
  });
});

describe("the answer to the ClientHello with the cookie", () => {
  test("RFC 6347 §4.2.1: ServerHello has its record sequence number and message_seq (U8, R2.3)", () => {
    const pair = new Pair({ serverFaults: { fate: dropFirst("hello_verify_request", 3) } }).handshake();
    const hello = pair.sentBy("client").findLast(({ looks }) => looks.includes("client_hello"));
    const answer = pair.sentBy("server").find(({ looks }) => looks.includes("server_hello"));
    const [asked] = recordsIn(hello?.bytes ?? new Uint8Array());
    const [answered] = recordsIn(answer?.bytes ?? new Uint8Array());
    expect(asked?.sequence).toBe(4);
    expect(answered?.sequence).toBe(4);
    expect(handshakeIn(answer?.bytes ?? new Uint8Array())[0]?.messageSeq).toBe(1);
  });

  test("a repeated ClientHello without a cookie is answered by a HelloVerifyRequest in every state (U8, C3)", () => {
    const pair = new Pair().handshake();
    const [first] = pair.sentBy("client");
    if (first === undefined) throw new Error("no ClientHello");
    const before = pair.timesOf("hello_verify_request").length;
    pair.network.inject(first.from, first.to, first.bytes);
    pair.simulation.runFor(10);
    expect(pair.timesOf("hello_verify_request")).toHaveLength(before + 1);
    expect(pair.server.sessions).toHaveLength(1);
    expect(pair.echo("hello")).toBe("hello");
  });
});
