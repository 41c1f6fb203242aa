import { describe, expect, test } from "vitest";
import type { ClientHello } from "../../../../dtls/wire/hello.ts";
import { cookieFor, hasCookie } from "../../../../mitm/dtls/cookies.ts";
import { Tolerance } from "../../../../mitm/dtls/tolerance.ts";
import type { Weakness } from "../../../../mitm/weaknesses/index.ts";

const here = { host: "127.0.0.1", port: 1000 };
const there = { host: "127.0.0.2", port: 1000 };
const hello: ClientHello = {
  clientVersion: 0xfefd,
  random: new Uint8Array(32),
  sessionId: new Uint8Array(),
  cookie: new Uint8Array(),
  cipherSuites: [0xc02b],
  compressionMethods: [0],
  extensions: undefined,
};

test("a cookie is good for the address and the hello that it was given for", () => {
  expect(hasCookie(given(), here, tolerance())).toBe(true);
});

describe("what is refused, but by the twin that lacks the check", () => {
  test.each<[Weakness, ClientHello, typeof here]>([
    ["no-cookie-demanded", hello, here],
    ["cookie-not-verified", { ...hello, cookie: new Uint8Array(20) }, here],
    ["cookie-not-bound-to-address", given("cookie-not-bound-to-address"), there],
    ["cookie-not-bound-to-hello", { ...given("cookie-not-bound-to-hello"), cipherSuites: [0xc02c] }, here],
  ])("%s", (weakness, shown, from) => {
    expect(hasCookie(shown, from, tolerance())).toBe(false);
    expect(hasCookie(shown, from, tolerance(weakness))).toBe(true);
  });

  test("another random", () => {
    expect(hasCookie({ ...given(), random: new Uint8Array(32).fill(1) }, here, tolerance())).toBe(false);
  });
});

function given(...lacks: readonly Weakness[]): ClientHello {
  return { ...hello, cookie: cookieFor(hello, here, tolerance(...lacks)) };
}

function tolerance(...lacks: readonly Weakness[]): Tolerance {
  return new Tolerance(new Set(lacks));
}
