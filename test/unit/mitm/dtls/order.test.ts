import { describe, expect, test } from "vitest";
import type { MessageName } from "../../../../mitm/dtls/names.ts";
import { messagesFromClient, messagesFromServer } from "../../../../mitm/dtls/terms.ts";
import { Tolerance, type Tolerates } from "../../../../mitm/dtls/tolerance.ts";
import type { Weakness } from "../../../../mitm/weaknesses/index.ts";

const [hello, certificate, exchange, verify, change, finished] = [
  "ClientHello",
  "Certificate",
  "ClientKeyExchange",
  "CertificateVerify",
  "ChangeCipherSpec",
  "Finished",
] as const;

describe("what a strict server takes", () => {
  test("the messages of a handshake", () => {
    expect(accepts([hello, certificate, exchange, verify, change, finished])).toBe(true);
  });

  test.each<MessageName[][]>([
    [[hello, exchange, change, finished]],
    [[hello, certificate, exchange, change, finished]],
    [[hello, certificate, exchange, verify, finished]],
    [[hello, certificate, change, finished]],
    [[hello, finished]],
    [[hello, change, finished]],
    [[hello, exchange, certificate, verify, change, finished]],
    [[hello, certificate, verify, exchange, change, finished]],
    [[hello, certificate, exchange, change, verify, finished]],
    [[hello, certificate, certificate, exchange, verify, change, finished]],
    [[hello, certificate, exchange, exchange, verify, change, finished]],
    [[hello, certificate, hello, exchange, verify, change, finished]],
    [[certificate, exchange, verify, change, finished]],
  ])("but not %s", (words) => {
    expect(accepts(words)).toBe(false);
  });

  test("a ChangeCipherSpec that came early is passed over", () => {
    const order = messagesFromClient(new Tolerance(new Set()), { certificate: true });
    expect([hello, change, certificate].map((name) => order.take(name))).toEqual(["taken", "early", "taken"]);
  });

  test("without certificates, a handshake without them", () => {
    const order = messagesFromClient(new Tolerance(new Set()), { certificate: false });
    const verdicts = [hello, exchange, change, finished].map((name) => order.take(name));
    expect(new Set(verdicts)).toEqual(new Set(["taken"]));
  });
});

describe("a weak twin takes what it should not, and nothing else", () => {
  test.each<[Weakness, MessageName[]]>([
    ["certificate-verify-not-required", [hello, certificate, exchange, change, finished]],
    ["early-finished", [hello, certificate, finished]],
    ["early-change-cipher-spec", [hello, change, finished]],
    ["handshake-order-not-enforced", [hello, certificate, exchange, change, verify, finished]],
    ["duplicate-messages-accepted", [hello, certificate, exchange, exchange, verify, change, finished]],
    ["second-certificate-accepted", [hello, certificate, certificate, exchange, verify, change, finished]],
  ])("%s", (weakness, words) => {
    expect(accepts(words, new Set([weakness]))).toBe(true);
    expect(accepts([hello, certificate, exchange, verify, change, finished], new Set([weakness]))).toBe(true);
    expect(accepts([hello, exchange, verify], new Set([weakness]))).toBe(false);
  });
});

describe("what a client takes", () => {
  const right: MessageName[] = [
    "ServerHello",
    "Certificate",
    "ServerKeyExchange",
    "CertificateRequest",
    "ServerHelloDone",
    "ChangeCipherSpec",
    "Finished",
  ];
  const verdicts = (words: readonly MessageName[]): string[] => {
    const order = messagesFromServer(new Tolerance(new Set()));
    return words.map((name) => order.take(name));
  };

  test("a flight with or without CertificateRequest", () => {
    expect(verdicts(right)).not.toContain("refused");
    expect(verdicts(right.filter((name) => name !== "CertificateRequest"))).not.toContain("refused");
  });

  test.each(right.filter((name) => name !== "CertificateRequest" && name !== "Finished"))(
    "but none without %s",
    (name) => {
      expect(verdicts(right.filter((other) => other !== name))).toContain("refused");
    },
  );

  test("a suite without certificates excuses them", () => {
    const order = messagesFromServer(new Tolerance(new Set()));
    order.excuse("Certificate", "ServerKeyExchange");
    expect(order.take("ServerHello")).toBe("taken");
    expect(order.completeBefore("ServerHelloDone")).toBe(true);
    expect(order.take("ServerHelloDone")).toBe("taken");
  });
});

test("an attacker takes everything, but a ChangeCipherSpec only once", () => {
  const order = messagesFromServer(new Tolerance("everything"));
  expect(["Finished", "NewSessionTicket", "ServerHello"].map((name) => order.take(name))).toEqual(
    Array(3).fill("taken"),
  );
  expect([order.take(change), order.take(change)]).toEqual(["taken", "early"]);
});

/** Whether the last of the words is taken, and none before it refused. */
function accepts(words: readonly MessageName[], tolerates: Tolerates = new Set()): boolean {
  const order = messagesFromClient(new Tolerance(tolerates), { certificate: true });
  const verdicts = words.map((name) => order.take(name));
  return !verdicts.includes("refused") && verdicts.at(-1) === "taken" && order.has("Finished");
}
