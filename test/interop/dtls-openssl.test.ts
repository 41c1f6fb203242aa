import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import {
  serverRestarts,
  withCertificates,
  withTheirClient,
  withTheirServer,
} from "../support/dtls-interop/common-features.ts";
import { type FeatureTest, type FeatureTests, testFeatures } from "../support/dtls-interop/feature-tests.ts";
import { opensslProgram } from "../support/dtls-interop/openssl.ts";
import { exchange, ourClient, ourServer } from "../support/dtls-interop/ours.ts";
import { type Call, hasEnded, type Peer, said, serve, stop, talk } from "../support/dtls-interop/peer.ts";
import { freePort } from "../support/dtls-interop/ports.ts";
import { ourClientResumes, ourServerResumes } from "../support/dtls-interop/resumption.ts";
import { testSuites } from "../support/dtls-interop/suite-tests.ts";
import { start } from "../support/programs.ts";
import { until } from "../support/until.ts";

const label = "EXPORTER-sallyport-interop";
const material = /Keying material: ([0-9A-F]+)/;

const server: FeatureTests = {
  ...withTheirClient,
  "resumption by ticket": ourServerResumes("ticket", twice),
  "resumption by session id": ourServerResumes("session id", twice),
  "the server name chooses the certificate": async (peer, credentials) => {
    const call = withCertificates(credentials);
    const { cert, key } = credentials.server.Ed25519;
    await using our = await ourServer(peer.speech, call, { sni: { localhost: { cert, key } } });
    const client = await talk(peer, our.port, call);
    await stop(client);
    expect(client.output()).toMatch(/Peer signature type: ed25519/i);
    expect(our.sessions[0]?.servername).toBe("localhost");
  },
  "an application protocol is chosen by ALPN": async (peer, credentials) => {
    const call = withCertificates(credentials);
    await using our = await ourServer(peer.speech, call, { alpn: ["coap"] });
    const client = await talk(peer, our.port, { ...call, flags: ["-alpn", "mqtt,coap"] });
    await stop(client);
    expect(client.output()).toMatch(/ALPN protocol: coap/);
    expect(our.sessions[0]?.alpnProtocol).toBe("coap");
  },
  "no application protocol in common is refused": refused(["-alpn", "mqtt"], "DTLS_NO_APPLICATION_PROTOCOL", {
    alpn: ["coap"],
  }),
  "DTLS 1.0 alone is refused": async (peer, credentials) => {
    await using our = await ourServer(peer.speech, withCertificates(credentials));
    const to = ["-connect", `127.0.0.1:${our.port}`, "-cipher", "DEFAULT@SECLEVEL=0"];
    const client = start("openssl", ["s_client", "-dtls1", ...to]);
    await until("our server refuses", () => our.refused.length > 0 || our.sessions.length > 0);
    expect(our.refused).toEqual(["DTLS_PROTOCOL_VERSION"]);
    expect((await client.ended()).output).toMatch(/alert protocol version/);
  },
  "CBC suites alone are refused": refused(
    ["-cipher", "ECDHE-ECDSA-AES128-SHA256:ECDHE-ECDSA-AES128-SHA"],
    "DTLS_NO_COMMON_SUITE",
  ),
  "exported keying material is the same": async (peer, credentials) => {
    const call = withCertificates(credentials);
    await using our = await ourServer(peer.speech, call);
    const flags = ["-keymatexport", label, "-keymatexportlen", "40"];
    const client = await talk(peer, our.port, { ...call, flags });
    const session = await our.first();
    expect(material.exec(client.output())?.[1]).toBe(hex(session.exportKeyingMaterial(40, label)));
    await stop(client);
  },
  "the lines of the key log are the same": async (peer, credentials) => {
    const lines: string[] = [];
    const call = withCertificates(credentials);
    await using our = await ourServer(peer.speech, call, { onkeylog: (line) => lines.push(line) });
    const file = join(credentials.directory, "client-keys.log");
    await stop(await talk(peer, our.port, { ...call, flags: ["-keylogfile", file] }));
    expect(keyLog(file)).toEqual(lines.map((line) => line.trim()));
  },
  "max_fragment_length of 512 bytes": async (peer, credentials) => {
    const call = withCertificates(credentials);
    await using our = await ourServer(peer.speech, call);
    await stop(await talk(peer, our.port, { ...call, flags: ["-maxfraglen", "512"] }));
    const session = await our.first();
    expect(session.maxMessageSize).toBe(512);
  },
  "an RSA client signs with RSA-PSS": signs("rsa_pss_rsae_sha256", "RSA-PSS"),
  "an RSA client signs with PKCS#1": signs("rsa_pkcs1_sha256", "RSA"),
  "a client certificate of another kind than the server's": async (peer, credentials) => {
    const call = withCertificates(credentials);
    await using our = await ourServer(peer.speech, call);
    await stop(await talk(peer, our.port, { ...call, credential: "RSA" }));
    expect((await our.first()).peerX509Certificate?.publicKey.asymmetricKeyType).toBe("rsa");
  },
  "a renegotiation is refused": async (peer, credentials) => {
    const call = withCertificates(credentials);
    await using our = await ourServer(peer.speech, call);
    const client = await talk(peer, our.port, call);
    client.child.stdin?.write("R\n");
    await until("the refusal", () => our.endpoint.stats.discarded.renegotiation_refused > 0);
    expect(our.endpoint.stats.handshakesStarted).toBe(1);
    await stop(client);
  },
  "a client that lost its state comes back from the same port": async (peer, credentials) => {
    const call = withCertificates(credentials);
    await using our = await ourServer(peer.speech, call);
    const flags = ["-bind", `127.0.0.1:${await freePort()}`];
    await stop(await talk(peer, our.port, { ...call, flags }));
    await stop(await talk(peer, our.port, { ...call, flags }));
    expect(our.sessions).toHaveLength(2);
    const [first, second] = our.sessions;
    await expect(first?.closed).rejects.toMatchObject({ code: "DTLS_PEER_GONE" });
    expect(second?.destroyed).toBe(false);
    expect(second?.remoteAddress).toEqual(first?.remoteAddress);
  },
  "our server restarts, and the session goes on": serverRestarts({}, async (running) => {
    running.child.stdin?.write("ping\n");
    await said(running, /^ping[^]*^ping/m);
  }),
  "the client closes, and our side hears it": async (peer, credentials) => {
    const call = withCertificates(credentials);
    await using our = await ourServer(peer.speech, call);
    const client = await talk(peer, our.port, call);
    client.child.stdin?.end("Q\n");
    await (await our.first()).closed;
    await stop(client);
  },
  "our side closes, and the peer hears it": async (peer, credentials) => {
    const call = withCertificates(credentials);
    await using our = await ourServer(peer.speech, call);
    const client = await talk(peer, our.port, call);
    await (await our.first()).close();
    await until("the client ends", () => hasEnded(client));
    expect((await client.ended()).exitCode).toBe(0);
  },
};

const client: FeatureTests = {
  ...withTheirServer,
  "resumption by ticket": ourClientResumes("ticket", []),
  "resumption by session id": ourClientResumes("session id", ["-no_ticket"]),
  "the server name chooses the certificate": async (peer, credentials) => {
    const call = withCertificates(credentials);
    const { certFile, keyFile } = credentials.server.RSA;
    const flags = ["-servername", "localhost", "-cert2", certFile, "-key2", keyFile];
    await withSession(peer, { ...call, flags }, {}, (session) => {
      expect(session.peerX509Certificate?.publicKey.asymmetricKeyType).toBe("rsa");
    });
  },
  "an application protocol is chosen by ALPN": async (peer, credentials) => {
    const call = { ...withCertificates(credentials), flags: ["-alpn", "coap"] };
    await withSession(peer, call, { alpn: ["mqtt", "coap"] }, (session) => {
      expect(session.alpnProtocol).toBe("coap");
    });
  },
  "exported keying material is the same": async (peer, credentials) => {
    const flags = ["-keymatexport", label, "-keymatexportlen", "40"];
    const call = { ...withCertificates(credentials), flags };
    await withSession(peer, call, {}, async (session, running) => {
      await said(running, material);
      expect(material.exec(running.output())?.[1]).toBe(hex(session.exportKeyingMaterial(40, label)));
    });
  },
  "the lines of the key log are the same": async (peer, credentials) => {
    const file = join(credentials.directory, "server-keys.log");
    const lines: string[] = [];
    const call = { ...withCertificates(credentials), flags: ["-keylogfile", file] };
    await withSession(peer, call, { onkeylog: (line) => lines.push(line) }, () => {
      expect(keyLog(file)).toEqual(lines.map((line) => line.trim()));
    });
  },
  "max_fragment_length of 512 bytes": async (peer, credentials) => {
    const call = withCertificates(credentials);
    await withSession(peer, call, { maxFragmentLength: 512 }, (session) => {
      expect(session.maxMessageSize).toBe(512);
    });
  },
  "a renegotiation is refused": async (peer, credentials) => {
    const call = withCertificates(credentials);
    await withSession(peer, call, {}, async (session, running) => {
      running.child.stdin?.write("r\n");
      await until("the refusal", () => session.endpoint.stats.discarded.renegotiation_refused > 0);
    });
  },
  "our side closes, and the peer hears it": async (peer, credentials) => {
    const call = withCertificates(credentials);
    await withSession(peer, call, {}, async (session, running) => {
      await session.close();
      await said(running, /^DONE$/m);
    });
  },
};

testSuites(opensslProgram);
testFeatures(opensslProgram, { server, client });

async function twice(peer: Peer, port: number, call: Call): Promise<void> {
  const file = join(call.credentials.directory, `session-${port}.pem`);
  const first = await talk(peer, port, { ...call, flags: ["-sess_out", file] });
  await stop(first);
  const second = await talk(peer, port, { ...call, flags: ["-sess_in", file] });
  await stop(second);
  expect(first.output()).toMatch(/^New, /m);
  expect(second.output()).toMatch(/^Reused, /m);
}

/** Our server's reason for turning away a client with these flags; an honest one gets in beside it. */
function refused(
  flags: readonly string[],
  code: string,
  options: Parameters<typeof ourServer>[2] = {},
): FeatureTest {
  return async (peer, credentials) => {
    const call = withCertificates(credentials);
    await using our = await ourServer(peer.speech, call, options);
    const client = peer.client(our.port, { ...call, flags });
    await until("our server refuses", () => our.refused.length > 0 || our.sessions.length > 0);
    expect(our.refused).toEqual([code]);
    const ended = await client.ended();
    expect(ended.exitCode, ended.output).not.toBe(0);
    await stop(await talk(peer, our.port, call));
  };
}

function signs(scheme: "rsa_pss_rsae_sha256" | "rsa_pkcs1_sha256", theirName: string): FeatureTest {
  return async (peer, credentials) => {
    const call = { ...withCertificates(credentials), credential: "RSA" } as const;
    await using our = await ourServer(peer.speech, call, { signatureSchemes: [scheme] });
    const client = await talk(peer, our.port, call);
    await stop(client);
    expect(client.output()).toMatch(new RegExp(`Requested Signature Algorithms: ${theirName}\\+SHA256`));
  };
}

async function withSession(
  peer: Peer,
  call: Call,
  options: Parameters<typeof ourClient>[2],
  check: (
    session: ReturnType<typeof ourClient>,
    running: Awaited<ReturnType<typeof talk>>,
  ) => Promise<void> | void,
): Promise<void> {
  const { running, port } = await serve(peer, await freePort(), call);
  const session = ourClient(port, call, options);
  try {
    await session.opened;
    await exchange(session, peer.speech);
    await check(session, running);
  } finally {
    session.destroy();
    await stop(running);
  }
}

function keyLog(file: string): string[] {
  return readFileSync(file, "utf8")
    .split("\n")
    .filter((line) => line.startsWith("CLIENT_RANDOM "));
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex").toUpperCase();
}
