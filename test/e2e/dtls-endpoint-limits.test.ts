/* oxlint-disable unicorn/prefer-add-event-listener -- onmessage is what is tested */
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { setTimeout } from "node:timers/promises";
import { expect, test, vi } from "vitest";
import { DtlsError } from "../../dtls/index.ts";
import { captured } from "../support/dtls-endpoint/hellos.ts";
import { ask, codeOf, device, errorOf, startEcho } from "../support/dtls-loopback.ts";
import { until } from "../support/until.ts";

test("many clients connect, talk and leave at one time, and nothing of them stays (U1, U9, U10)", async () => {
  await using echo = await startEcho();
  const credential = device();
  const work = async (index: number) => {
    const session = echo.connect({ ...credential, handshakeTimeout: 20_000 });
    await session.opened;
    expect(await ask(session, `hello ${index}`)).toBe(`hello ${index}`);
    await session.close();
  };
  for (let round = 0; round < 3; round++) await Promise.all(Array.from({ length: 50 }, (_, i) => work(i)));
  await until("all are gone", () => echo.endpoint.stats.sessions === 0);
  expect(echo.endpoint.stats).toMatchObject({ handshakesFull: 150, sessions: 0, handshaking: 0 });
  expect([...echo.endpoint.sessions]).toEqual([]);
});

test("a flood of ClientHellos leaves nothing, gets no more than it sends, and stops nobody (D1, D5, D7)", async () => {
  await using echo = await startEcho({ maxHandshakes: 10, maxHandshakesPerHost: 5 });
  const flood = createSocket("udp4");
  flood.bind(0, "127.0.0.1");
  await once(flood, "listening");
  let received = 0;
  flood.on("message", (datagram) => {
    received += datagram.length;
  });
  let sent = 0;
  const hellos = captured();
  for (let round = 0; round < 20; round++) {
    for (const hello of hellos) {
      flood.send(hello, echo.port, "127.0.0.1");
      sent += hello.length;
    }
    await setTimeout(2);
  }
  await using session = echo.connect(device());
  await session.opened;
  expect(await ask(session, "honest")).toBe("honest");
  expect(received).toBeGreaterThan(0);
  expect(received).toBeLessThanOrEqual(sent);
  expect(echo.endpoint.stats).toMatchObject({ handshakesStarted: 1, handshaking: 0, sessions: 1 });
  flood.close();
});

test("handshakes that do not go on hold no more than their number, and end after the time given (D7, B5, U1)", async () => {
  const started: string[] = [];
  await using echo = await startEcho({
    maxHandshakesPerHost: 2,
    handshakeTimeout: 300,
    // Never answers.
    verifyPeer: ({ address }) => {
      started.push(address.address);
      return new Promise(() => undefined);
    },
  });
  const options = { ...device(), handshakeTimeout: 5000 };
  const stuck = [echo.connect(options), echo.connect(options)];
  await until("two are waiting", () => started.length === 2);
  const third = echo.connect({ ...options, handshakeTimeout: 150 });
  expect(await codeOf(third.opened)).toBe("DTLS_HANDSHAKE_TIMEOUT");
  expect(started).toHaveLength(2);
  expect(echo.endpoint.stats.discarded.too_many_from_host).toBeGreaterThan(0);
  await until("the hook's handshakes are given up", () => echo.endpoint.stats.handshaking === 0);
  expect(echo.endpoint.stats.failed.DTLS_HANDSHAKE_TIMEOUT).toBe(2);
  // B5: what failed has given its place back.
  const fourth = echo.connect(options);
  await until("another may try", () => started.length === 3);
  for (const session of [...stuck, fourth]) session.destroy();
});

test("a full endpoint refuses in silence; a session that was silent for long makes room (U10, D7)", async () => {
  await using echo = await startEcho({ maxSessions: 1, staleAfter: 250 });
  const first = echo.connect(device("pump-1"));
  await first.opened;
  await until("it is there", () => echo.sessions.length === 1);
  expect(echo.endpoint.busy).toBe(true);
  const second = echo.connect({ ...device("pump-2"), handshakeTimeout: 100 });
  expect(await codeOf(second.opened)).toBe("DTLS_HANDSHAKE_TIMEOUT");
  expect(echo.endpoint.stats.serverBusyCount).toBeGreaterThan(0);
  expect(first.destroyed).toBe(false);
  await setTimeout(260);
  await using third = echo.connect(device("pump-3"));
  await third.opened;
  await first.closed;
  expect(echo.endpoint.stats.evicted).toBe(1);
  const [evicted] = echo.sessions;
  expect(await codeOf(Promise.resolve(evicted?.closed))).toBe("DTLS_EVICTED");
});

test("`busy` keeps new peers out and leaves the others alone", async () => {
  await using echo = await startEcho();
  const first = echo.connect(device());
  await first.opened;
  echo.endpoint.busy = true;
  const second = echo.connect({ ...device(), handshakeTimeout: 100 });
  expect(await codeOf(second.opened)).toBe("DTLS_HANDSHAKE_TIMEOUT");
  expect(await ask(first, "still here")).toBe("still here");
  echo.endpoint.busy = false;
  await using third = echo.connect(device());
  await third.opened;
});

test("a verifyPeer that throws refuses the one peer, whatever it throws (I)", async () => {
  await using echo = await startEcho({
    verifyPeer: ({ chain }) => {
      const text = Buffer.from(chain[0] ?? []).toString("latin1");
      if (text.includes("denied")) throw new DtlsError("DTLS_ACCESS_DENIED", "not today");
      if (text.includes("broken")) throw new TypeError("a mistake");
      if (text.includes("async")) return Promise.reject(new Error("later"));
      return "fine";
    },
  });
  const refused: DtlsError[] = [];
  echo.endpoint.on("refused", ({ error }) => refused.push(error));
  const alertFor = async (id: string) => (await errorOf(echo.connect(device(id)).opened))?.peerAlert;
  expect(await alertFor("denied")).toBe("access_denied");
  expect(await alertFor("broken")).toBe("certificate_unknown");
  expect(await alertFor("async")).toBe("certificate_unknown");
  expect(refused.map(({ code }) => code)).toEqual([
    "DTLS_ACCESS_DENIED",
    "DTLS_CERTIFICATE_UNKNOWN",
    "DTLS_CERTIFICATE_UNKNOWN",
  ]);
  expect(refused[1]?.cause).toBeInstanceOf(TypeError);
  await using session = echo.connect(device());
  await session.opened;
  expect(echo.sessions[0]?.identity).toBe("fine");
});

test("a callback that throws or rejects loses its session and no other (I, D6)", async () => {
  const errors: unknown[] = [];
  await using echo = await startEcho();
  echo.endpoint.on("error", (error) => errors.push(error));
  echo.endpoint.on("session", (session) => {
    session.onmessage = (data) => {
      const text = Buffer.from(data).toString();
      if (text === "throw") throw new Error("thrown");
      if (text === "reject") return Promise.reject(new Error("rejected"));
      return session.send(data);
    };
    // oxlint-disable-next-line typescript/no-misused-promises -- what an application may do by mistake
    session.on("message", async (data) => {
      if (Buffer.from(data).toString() === "listener") throw new Error("listened");
    });
  });
  const steady = echo.connect(device("pump-9"));
  await steady.opened;
  for (const how of ["throw", "reject", "listener"]) {
    const session = echo.connect(device());
    await session.opened;
    session.send(how);
    expect((await errorOf(session.closed))?.peerAlert).toBe("internal_error");
  }
  expect(errors.map((error) => (error instanceof Error ? error.message : ""))).toEqual([
    "thrown",
    "rejected",
    "listened",
  ]);
  expect(echo.endpoint.stats.callbackErrors).toBe(3);
  expect(await ask(steady, "steady")).toBe("steady");
});

test("without an error listener a failing callback is a warning of the process, not its end (I)", async () => {
  const warnings = vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
  await using echo = await startEcho();
  echo.endpoint.on("session", () => {
    throw new Error("in the listener");
  });
  const session = echo.connect(device());
  expect(await codeOf(session.closed)).toBe("DTLS_PEER_ALERT");
  expect(warnings).toHaveBeenCalledOnce();
  warnings.mockRestore();
});

test("callbacks may close and destroy their session, and the endpoint (I)", async () => {
  await using echo = await startEcho();
  const seen: string[] = [];
  echo.endpoint.on("session", (session) => {
    session.onmessage = (data) => {
      const text = Buffer.from(data).toString();
      seen.push(text);
      if (text === "destroy") session.destroy();
      if (text === "close") void session.close();
      if (text === "everything") void echo.endpoint.close();
    };
    session.on("message", () => session.destroyed || session.send("after"));
  });
  for (const how of ["destroy", "close", "everything"]) {
    const session = echo.connect(device());
    await session.opened;
    // The second is in the same turn, and nobody is there for it.
    session.send(how);
    session.send("more");
    await until(how, () => seen.includes(how));
    if (how === "destroy") session.destroy();
    else await session.closed;
  }
  await echo.endpoint.closed;
  expect(seen).not.toContain("more");
});

test("a session that is destroyed as it is announced never gets a message (I)", async () => {
  await using echo = await startEcho();
  const got: unknown[] = [];
  echo.endpoint.on("session", (session) => {
    session.onmessage = (data) => got.push(data);
    session.destroy(new DtlsError("DTLS_ACCESS_DENIED", "changed its mind"));
  });
  const session = echo.connect(device());
  await session.opened;
  expect((await errorOf(session.closed))?.peerAlert).toBe("access_denied");
  expect(got).toEqual([]);
});
