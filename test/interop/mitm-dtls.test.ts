import { X509Certificate } from "node:crypto";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import { suiteByName } from "../../dtls/crypto/suites.ts";
import { DtlsClient, type DtlsClientOptions } from "../../mitm/dtls/client.ts";
import { DatagramListener } from "../../mitm/dtls/datagrams.ts";
import { DtlsServer } from "../../mitm/dtls/server.ts";
import type { Credential, Received } from "../../mitm/endpoint.ts";
import { Recorder } from "../../mitm/record/recorder.ts";
import { type CertificateKey, makeCredentials } from "../support/dtls-interop/credentials.ts";
import { gnutlsProgram } from "../support/dtls-interop/gnutls.ts";
import { opensslProgram } from "../support/dtls-interop/openssl.ts";
import { type Call, type Peer, said, serve, stop } from "../support/dtls-interop/peer.ts";
import { freePort } from "../support/dtls-interop/ports.ts";

const credentials = await makeCredentials();
afterAll(() => credentials[Symbol.dispose]());

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

const cells: readonly {
  readonly credential: CertificateKey;
  readonly suite?: string;
  readonly group?: Call["group"];
}[] = [
  { credential: "P-256" },
  { credential: "P-384", group: "secp384r1" },
  { credential: "RSA" },
  { credential: "P-256", suite: "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384" },
  { credential: "P-256", suite: "TLS_ECDHE_ECDSA_WITH_AES_128_CCM" },
  { credential: "P-256", suite: "TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8" },
  { credential: "P-256", suite: "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256" },
  { credential: "RSA", suite: "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256" },
];

describe.each([opensslProgram, gnutlsProgram])("scripted DTLS ends and $name", (peer) => {
  test.skipIf(peer.missing !== "").for(cells)("a strict client completes: %o", async (cell) => {
    const client = await dialled(peer, callOf(cell));
    const result = await client.handshake();
    expect(result).toMatchObject({ completed: true });
    const [leaf] = credentialOf("server", cell.credential).chain;
    expect(result.completed && result.peerChain[0]).toEqual(leaf);
    client.send(Buffer.from("ping\n"));
    expect(textOf(await client.receive(5000))).toBe("ping\n");
    client.close();
  });

  test.skipIf(peer.missing !== "").for(cells)("a strict server completes: %o", async (cell) => {
    const listener = await DatagramListener.bind();
    closers.push(() => listener.destroy());
    const running = peer.client(listener.address.port, callOf(cell));
    closers.push(() => stop(running));
    const port = await listener.next(10_000);
    if (port === undefined) throw new Error(`nobody came: ${running.output()}`);
    const end = DtlsServer.accept(port, { ...common, credential: credentialOf("server", cell.credential) });
    expect(await end.handshake()).toMatchObject({ completed: true });
    const received = await end.receive(5000);
    expect(textOf(received)).toBe("ping\n");
    end.send(Buffer.from("ping\n"));
    await said(running, peer.heard);
    end.close();
  });

  test.skipIf(peer.missing !== "")("a pre-shared key", async () => {
    const { identity, bytes } = credentials.psk;
    const psk = { identity: Buffer.from(identity), key: bytes };
    const client = await dialled(peer, { credentials, credential: "PSK" }, { psk, credential: undefined });
    expect(await client.handshake()).toMatchObject({ completed: true, peerChain: [] });
    client.send(Buffer.from("ping\n"));
    expect(textOf(await client.receive(5000))).toBe("ping\n");
  });

  test.skipIf(peer.missing !== "")("flights in small pieces, and what is left out is refused", async () => {
    const call: Call = { credentials, credential: "P-256", mtu: 400 };
    const client = await dialled(peer, call, { mtu: 300 });
    expect(await client.handshake()).toMatchObject({ completed: true });
    client.close();
    const proofless = await dialled(peer, call, {
      tolerates: "everything",
      answerMs: 1500,
      order: ["Certificate", "ClientKeyExchange", "ChangeCipherSpec", "Finished"],
    });
    expect(await proofless.handshake()).toMatchObject({ completed: false });
  });
});

const common = {
  recorder: new Recorder(),
  self: "lab",
  peer: "gateway",
  tolerates: new Set<string>(),
  answerMs: 5000,
} as const;

async function dialled(
  peer: Peer,
  call: Call,
  options: Partial<DtlsClientOptions> = {},
): Promise<DtlsClient> {
  const { running, port } = await serve(peer, await freePort(), call);
  closers.push(() => stop(running));
  const key = call.credential === "PSK" || call.credential === "raw public key" ? "P-256" : call.credential;
  const client = await DtlsClient.connect(
    { host: "127.0.0.1", port },
    { ...common, credential: credentialOf("device", key), serverName: "localhost", ...options },
  );
  closers.push(() => client.destroy());
  return client;
}

function callOf({ credential, suite, group }: (typeof cells)[number]): Call {
  const named = suite === undefined ? undefined : suiteByName(suite);
  return { credentials, credential, ...(named && { suite: named }), ...(group && { group }) };
}

function credentialOf(who: "device" | "server", kind: CertificateKey): Credential {
  const { cert, privateKey } = credentials[who][kind];
  return { name: `the ${who}`, chain: [Uint8Array.from(new X509Certificate(cert).raw)], key: privateKey };
}

function textOf(received: Received): string {
  return received.kind === "data" ? Buffer.from(received.data).toString() : JSON.stringify(received);
}
