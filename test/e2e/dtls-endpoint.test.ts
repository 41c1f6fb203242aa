import { networkInterfaces } from "node:os";
import { setTimeout } from "node:timers/promises";
import { expect, test } from "vitest";
import {
  AuthenticatedPeer,
  type Credential,
  certificateCredential,
  connect,
  type DTLSSession,
  DtlsError,
  listen,
  rawPublicKeyCredential,
} from "../../dtls/index.ts";
import { mintCa, mintDevice, mintRoot, mintServer } from "../support/chain-builder.ts";
import { ask, ca, codeOf, device, errorOf, pemOf, server, startEcho } from "../support/dtls-loopback.ts";
import { until } from "../support/until.ts";

const hasIpv6 = Object.values(networkInterfaces()).some((all) =>
  all?.some(({ address }) => address === "::1"),
);

test("both sides prove who they are, and an echo comes back", async () => {
  await using echo = await startEcho();
  await using session = echo.connect(device("pump-1"));
  expect(session.protocol).toBeUndefined();
  expect(session.authorized).toBe(false);
  await expect(session.opened).resolves.toEqual({ protocol: "DTLSv1.2" });
  expect(await ask(session, "hello")).toBe("hello");
  expect(session.authorized).toBe(true);
  expect(session.peerX509Certificate?.checkIP("127.0.0.1")).toBe("127.0.0.1");
  expect(AuthenticatedPeer.is(session.peer)).toBe(true);
  expect(session.cipher?.standardName).toBe("TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256");
  const [accepted] = echo.sessions;
  expect(accepted?.authorized).toBe(true);
  expect(accepted?.peerX509Certificate?.subject).toBe("CN=pump-1");
  expect(accepted?.identity).toMatchObject({ subject: "CN=pump-1" });
  expect(accepted?.remoteAddress.address).toBe("127.0.0.1");
  expect(accepted?.exportKeyingMaterial(32, "EXPORTER-test")).toEqual(
    session.exportKeyingMaterial(32, "EXPORTER-test"),
  );
});

test("a client without a certificate is refused (R7, U13)", async () => {
  await using echo = await startEcho();
  const refused = Promise.withResolvers<string>();
  echo.endpoint.on("refused", ({ error }) => refused.resolve(error.code));
  const session = echo.connect();
  const error = await errorOf(session.opened);
  expect(error?.code).toBe("DTLS_PEER_ALERT");
  expect(error?.peerAlert).toBe("handshake_failure");
  expect(await refused.promise).toBe("DTLS_NO_CERTIFICATE");
  expect(echo.sessions).toEqual([]);
  expect(echo.endpoint.stats.serverRefusedCount).toBe(1);
});

test("a client of another CA is refused with unknown_ca, and the report has what it showed (R7)", async () => {
  await using echo = await startEcho();
  const refused = Promise.withResolvers<{ error: DtlsError; chain: number | undefined }>();
  echo.endpoint.on("refused", ({ error, claim }) => refused.resolve({ error, chain: claim?.chain.length }));
  const stranger = mintDevice(mintCa(mintRoot()), "stranger");
  const session = echo.connect({ cert: stranger.pem, key: stranger.keyPem });
  expect((await errorOf(session.opened))?.peerAlert).toBe("unknown_ca");
  const { error, chain } = await refused.promise;
  expect(error.code).toBe("DTLS_UNKNOWN_CA");
  expect(chain).toBe(1);
});

test("an expired client is refused with certificate_expired (R7)", async () => {
  await using echo = await startEcho();
  const session = echo.connect(device("old", { notAfter: new Date(Date.now() - 1000) }));
  expect((await errorOf(session.opened))?.peerAlert).toBe("certificate_expired");
});

test("the server must have the name that the client asked for (A4)", async () => {
  await using echo = await startEcho();
  expect(await codeOf(echo.connect({ ...device(), servername: "other.example" }).opened)).toBe(
    "DTLS_BAD_CERTIFICATE",
  );
  await using named = echo.connect({ ...device(), servername: "gateway.example" });
  await named.opened;
  expect(named.servername).toBe("gateway.example");
});

test("a host name is looked up once, and one without an address is told (U15)", async () => {
  await using echo = await startEcho();
  await using session = connect("localhost", echo.port, { ...device(), ca });
  await session.opened;
  expect(session.remoteAddress).toEqual({ address: "127.0.0.1", port: echo.port, family: "IPv4" });
  expect(await codeOf(connect("nowhere.invalid", 1, { ca }).opened)).toBe("DTLS_UNREACHABLE");
});

test.skipIf(!hasIpv6)("IPv6, and both on one socket", async () => {
  await using six = await startEcho({ host: "::1" });
  await using session = connect("::1", six.port, { ...device(), ca, servername: "localhost" });
  expect(await opened(session)).toBe("::1");
  // However it is written: answers come from the one form that the system knows.
  await using long = connect("0:0:0:0:0:0:0:1", six.port, { ...device(), ca, servername: "localhost" });
  expect(await opened(long)).toBe("::1");
  await using both = await startEcho({ host: "::" });
  await using four = connect("127.0.0.1", both.port, { ...device(), ca });
  await opened(four);
  await until("the server has it", () => both.sessions.length === 1);
  expect(both.sessions[0]?.remoteAddress).toMatchObject({ address: "::ffff:127.0.0.1", family: "IPv6" });
  expect(await ask(four, "hello")).toBe("hello");
  await using only = await startEcho({ host: "::", ipv6Only: true });
  const refused = connect("127.0.0.1", only.port, { ...device(), ca, handshakeTimeout: 200 });
  expect(await codeOf(refused.opened)).toBe("DTLS_HANDSHAKE_TIMEOUT");
});

test("where nobody listens, the handshake times out with a typed error (U15)", async () => {
  const session = connect("127.0.0.1", 9, { ca, handshakeTimeout: 80, retransmission: { initialMs: 20 } });
  expect(await codeOf(session.opened)).toBe("DTLS_HANDSHAKE_TIMEOUT");
  expect(await codeOf(session.closed)).toBe("DTLS_HANDSHAKE_TIMEOUT");
  expect(session.destroyed).toBe(true);
});

test("pre-shared keys: by table and by look-up, with hint (R6, R14)", async () => {
  const key = Buffer.from("0123456789abcdef");
  await using table = await startEcho({ psk: { "pump-1": key }, pskIdentityHint: "pumps" });
  let hint = "";
  await using one = connect("127.0.0.1", table.port, {
    psk: (given) => {
      hint = Buffer.from(given ?? []).toString();
      return { identity: "pump-1", key };
    },
  });
  await one.opened;
  expect(hint).toBe("pumps");
  expect(await ask(one, "hello")).toBe("hello");
  expect(one.cipher?.name).toBe("ECDHE-PSK-AES128-GCM-SHA256");
  expect(Buffer.from(table.sessions[0]?.peer?.pskIdentity ?? []).toString()).toBe("pump-1");
  expect(table.sessions[0]?.authorized).toBe(true);

  await using lookUp = await startEcho({
    psk: async (identity) => (Buffer.from(identity).toString() === "pump-2" ? key : undefined),
  });
  await using two = connect("127.0.0.1", lookUp.port, { psk: { identity: "pump-2", key } });
  await two.opened;
});

test("another pre-shared key and an unknown identity look the same, and are told soon (U15)", async () => {
  const key = Buffer.from("0123456789abcdef");
  await using echo = await startEcho({ psk: { known: key }, retransmission: { initialMs: 20 } });
  const codes = new Set<string>();
  echo.endpoint.on("refused", ({ error }) => codes.add(error.code));
  const options = { handshakeTimeout: 2000, retransmission: { initialMs: 20 } };
  const wrong = connect("127.0.0.1", echo.port, {
    ...options,
    psk: { identity: "known", key: Buffer.from("another key here") },
  });
  const unknown = connect("127.0.0.1", echo.port, { ...options, psk: { identity: "unknown", key } });
  expect(await codeOf(wrong.opened)).toBeDefined();
  expect(await codeOf(unknown.opened)).toBeDefined();
  await until("both are refused", () => echo.endpoint.stats.serverRefusedCount === 2);
  expect(echo.sessions).toEqual([]);
});

test("suites with pre-shared keys come first where both kinds are offered", async () => {
  const key = Buffer.from("0123456789abcdef");
  await using echo = await startEcho({ ...server, ca, psk: { "pump-1": key } });
  await using both = echo.connect({ ...device(), psk: { identity: "pump-1", key } });
  await both.opened;
  expect(both.cipher?.name).toContain("PSK");
  await using certificate = echo.connect(device());
  await certificate.opened;
  expect(certificate.cipher?.name).toBe("ECDHE-ECDSA-AES128-GCM-SHA256");
});

test("raw public keys: both sides are known by their keys (R7, RFC 7250)", async () => {
  const own = rawPublicKeyCredential({ key: server.key });
  const device1 = rawPublicKeyCredential({ key: device().key });
  const known = (expected: Uint8Array | undefined) => (claim: { chain: readonly Uint8Array[] }) => {
    if (Buffer.compare(claim.chain[0] ?? Buffer.of(), expected ?? Buffer.of()) === 0) return "known";
    throw new DtlsError("DTLS_ACCESS_DENIED", "not known");
  };
  const peerCertificateTypes = ["RawPublicKey"] as const;
  await using echo = await startEcho({
    credentials: own,
    verifyPeer: known(device1.chain[0]),
    peerCertificateTypes,
  });
  await using session = connect("127.0.0.1", echo.port, {
    credentials: device1,
    verifyPeer: known(own.chain[0]),
    peerCertificateTypes,
  });
  await session.opened;
  expect(session.identity).toBe("known");
  expect(session.peer?.certificateType).toBe("RawPublicKey");
  expect(session.peerX509Certificate).toBeUndefined();
  const stranger = connect("127.0.0.1", echo.port, {
    credentials: rawPublicKeyCredential({ key: device().key }),
    verifyPeer: known(own.chain[0]),
    peerCertificateTypes,
  });
  expect((await errorOf(stranger.opened))?.peerAlert).toBe("access_denied");
});

test("SNI chooses the certificate; a name without one is refused with unrecognized_name (R5)", async () => {
  const other = pemOf(mintServer(undefined, ["b.example"]));
  await using echo = await startEcho({
    ca,
    sni: {
      "gateway.example": server,
      "b.example": certificateCredential({ cert: other.cert, key: other.key }),
    },
  });
  await using a = echo.connect({ ...device(), servername: "gateway.example" });
  await a.opened;
  const b = echo.connect({ ...device(), servername: "b.example" });
  // Chosen, and then not trusted: it is nobody's.
  expect(await codeOf(b.opened)).toBe("DTLS_UNKNOWN_CA");
  const c = echo.connect({ ...device(), servername: "c.example" });
  expect((await errorOf(c.opened))?.peerAlert).toBe("unrecognized_name");
  await using looked = await startEcho({
    ca,
    sni: async (name) => (name === "gateway.example" ? server : undefined),
  });
  await using d = looked.connect({ ...device(), servername: "gateway.example" });
  await d.opened;
});

test("ALPN is agreed on, or refused (R5)", async () => {
  await using echo = await startEcho({ alpn: ["coap", "echo"] });
  await using session = echo.connect({ ...device(), alpn: ["echo"] });
  await session.opened;
  expect(session.alpnProtocol).toBe("echo");
  expect(echo.sessions[0]?.alpnProtocol).toBe("echo");
  expect((await errorOf(echo.connect({ ...device(), alpn: ["other"] }).opened))?.peerAlert).toBe(
    "no_application_protocol",
  );
});

test("a signer and the choice of a credential may be asynchronous, on either side", async () => {
  const later = (credential: Credential): Credential => ({
    ...credential,
    signer: {
      publicKey: credential.signer.publicKey,
      sign: async (bytes, scheme) => {
        await setTimeout(5);
        return credential.signer.sign(bytes, scheme);
      },
    },
  });
  const own = later(certificateCredential(server));
  await using echo = await startEcho({ credentials: async () => own });
  await using session = echo.connect({ credentials: later(certificateCredential(device())) });
  await session.opened;
  expect(await ask(session, "hello")).toBe("hello");
});

test("what is received in one turn is told apart: messages stay messages", async () => {
  await using echo = await startEcho();
  await using session = echo.connect(device());
  await session.opened;
  const got: string[] = [];
  session.on("message", (data) => got.push(Buffer.from(data).toString()));
  for (let index = 0; index < 100; index++) session.send(`m${index}`);
  await until("they are back", () => got.length === 100);
  expect(got).toEqual(Array.from({ length: 100 }, (_, index) => `m${index}`));
});

test("a message that does not fit is refused, and the session lives (R13)", async () => {
  await using echo = await startEcho({ recordSizeLimit: 512 });
  await using session = echo.connect({ ...device(), recordSizeLimit: 1024 });
  await session.opened;
  const { maxMessageSize } = session;
  expect(maxMessageSize).toBeLessThanOrEqual(511);
  expect(() => session.send(new Uint8Array(maxMessageSize + 1))).toThrow(
    expect.objectContaining({ code: "DTLS_MESSAGE_SIZE" }),
  );
  expect(await ask(session, "x".repeat(maxMessageSize))).toHaveLength(maxMessageSize);
});

test("what is neither bytes nor text is refused, and the session lives", async () => {
  await using echo = await startEcho();
  await using session = echo.connect(device());
  await session.opened;
  for (const data of [undefined, null, 5, {}, [1, 2], new ArrayBuffer(3), new Uint16Array(3)]) {
    // @ts-expect-error -- as from a program without types
    const send = () => session.send(data);
    expect(send).toThrow(expect.objectContaining({ code: "DTLS_OPTIONS_INVALID" }));
  }
  expect(await ask(session, "still here")).toBe("still here");
});

test("key log lines come only to who asked for them (R17)", async () => {
  const lines: string[] = [];
  await using echo = await startEcho({ onkeylog: (line) => lines.push(line) });
  await using session = echo.connect(device());
  session.onkeylog = () => lines.push("the client did not ask");
  await session.opened;
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch(/^CLIENT_RANDOM [0-9a-f]{64} [0-9a-f]{96}$/);
});

test("a port that is taken is told by `ready`", async () => {
  await using echo = await startEcho();
  const second = listen(() => undefined, { port: echo.port, ...server, ca });
  expect(await codeOf(second.ready)).toBe("DTLS_LISTEN_FAILED");
  expect(await codeOf(second.closed)).toBe("DTLS_LISTEN_FAILED");
  expect(second.address).toBeUndefined();
});

test("closing tells the peer; both sides end without an error (R9)", async () => {
  const echo = await startEcho();
  const one = echo.connect(device());
  const two = echo.connect(device("pump-2"));
  await Promise.all([one.opened, two.opened]);
  await until("the server has both", () => echo.sessions.length === 2);
  await one.close();
  await until("the server has closed", () => echo.sessions.some(({ destroyed }) => destroyed));
  expect([...echo.endpoint.sessions]).toHaveLength(1);
  await echo.endpoint.close();
  await two.closed;
  expect(() => two.send("late")).toThrow(expect.objectContaining({ code: "DTLS_CLOSED" }));
  await echo.endpoint.closed;
  expect(echo.endpoint.destroyed).toBe(true);
});

test("a client that is closed while it connects ends at once", async () => {
  const session = connect("localhost", 9, { ca });
  const opened = codeOf(session.opened);
  await session.close();
  expect(await opened).toBe("DTLS_CLOSED");
});

async function opened(session: DTLSSession): Promise<string> {
  await session.opened;
  return session.remoteAddress.address;
}
