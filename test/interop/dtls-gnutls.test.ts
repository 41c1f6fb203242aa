import { expect } from "vitest";
import {
  outcomeWith,
  withCertificates,
  withTheirClient,
  withTheirServer,
} from "../support/dtls-interop/common-features.ts";
import { type FeatureTests, testFeatures } from "../support/dtls-interop/feature-tests.ts";
import { type GnutlsCall, gnutlsProgram } from "../support/dtls-interop/gnutls.ts";
import { exchange, ourClient, ourServer } from "../support/dtls-interop/ours.ts";
import { type Call, serve, stop, talk } from "../support/dtls-interop/peer.ts";
import { freePort } from "../support/dtls-interop/ports.ts";
import { ourClientResumes, ourServerResumes } from "../support/dtls-interop/resumption.ts";
import { testSuites } from "../support/dtls-interop/suite-tests.ts";
import { until } from "../support/until.ts";

const withoutExtendedMasterSecret = ":%NO_SESSION_HASH";

const server: FeatureTests = {
  ...withTheirClient,
  "resumption by ticket": ourServerResumes("ticket", async (peer, port, call) => {
    await stop(await talk(peer, port, { ...call, flags: ["--resume"] }));
  }),
  "resumption by session id": ourServerResumes("session id", async (peer, port, call) => {
    await stop(await talk(peer, port, { ...call, flags: ["--resume"] }));
  }),
  "the server name chooses the certificate": async (peer, credentials) => {
    const call = withCertificates(credentials);
    const { cert, key } = credentials.server.Ed25519;
    await using our = await ourServer(peer.speech, call, { sni: { localhost: { cert, key } } });
    const client = await talk(peer, our.port, call);
    await stop(client);
    expect(client.output()).toMatch(/EdDSA-Ed25519/);
    expect(our.sessions[0]?.servername).toBe("localhost");
  },
  "an application protocol is chosen by ALPN": async (peer, credentials) => {
    const call = { ...withCertificates(credentials), flags: ["--alpn", "coap"] };
    await using our = await ourServer(peer.speech, call, { alpn: ["mqtt", "coap"] });
    const client = await talk(peer, our.port, call);
    await stop(client);
    expect(client.output()).toMatch(/Application protocol: coap/);
    expect(our.sessions[0]?.alpnProtocol).toBe("coap");
  },
  "record_size_limit of 512 bytes": async (peer, credentials) => {
    const call = withCertificates(credentials);
    await using our = await ourServer(peer.speech, call);
    await stop(await talk(peer, our.port, { ...call, flags: ["--recordsize", "512"] }));
    expect((await our.first()).maxMessageSize).toBe(512);
  },
  "without extended master secret: refused": async (peer, credentials) => {
    const call: GnutlsCall = { ...withCertificates(credentials), priority: withoutExtendedMasterSecret };
    await using our = await ourServer(peer.speech, call);
    const client = peer.client(our.port, call);
    await until("our server refuses", () => our.refused.length > 0 || our.sessions.length > 0);
    await stop(client);
    expect(our.refused).toEqual(["DTLS_NO_EXTENDED_MASTER_SECRET"]);
  },
  "without extended master secret: let in where that is allowed": async (peer, credentials) => {
    const call: GnutlsCall = { ...withCertificates(credentials), priority: withoutExtendedMasterSecret };
    const options = { dangerouslyAllowMissingExtendedMasterSecret: true };
    await using our = await ourServer(peer.speech, call, options);
    await stop(await talk(peer, our.port, call));
  },
  "a renegotiation is refused": async (peer, credentials) => {
    const call: Call = { ...withCertificates(credentials), flags: ["--rehandshake"] };
    await using our = await ourServer(peer.speech, call);
    const client = peer.client(our.port, call);
    await until("the refusal", () => our.endpoint.stats.discarded.renegotiation_refused > 0);
    expect(our.endpoint.stats.handshakesStarted).toBe(1);
    await stop(client);
  },
};

const client: FeatureTests = {
  ...withTheirServer,
  "resumption by ticket": ourClientResumes("ticket", []),
  "resumption by session id": ourClientResumes("session id", ["--noticket"]),
  "an application protocol is chosen by ALPN": async (peer, credentials) => {
    const call = withCertificates(credentials);
    const { running, port } = await serve(peer, await freePort(), { ...call, flags: ["--alpn", "coap"] });
    const session = ourClient(port, call, { alpn: ["mqtt", "coap"] });
    try {
      await session.opened;
      expect(session.alpnProtocol).toBe("coap");
      await exchange(session, peer.speech);
    } finally {
      session.destroy();
      await stop(running);
    }
  },
  "without extended master secret: refused": async (peer, credentials) => {
    const call = withCertificates(credentials);
    const theirs: GnutlsCall = { ...call, priority: withoutExtendedMasterSecret };
    expect(await outcomeWith(peer, theirs, call)).toBe("DTLS_NO_EXTENDED_MASTER_SECRET");
  },
  "without extended master secret: let in where that is allowed": async (peer, credentials) => {
    const call = withCertificates(credentials);
    const theirs: GnutlsCall = { ...call, priority: withoutExtendedMasterSecret };
    const options = { dangerouslyAllowMissingExtendedMasterSecret: true };
    expect(await outcomeWith(peer, theirs, call, options)).toBe("established");
  },
};

testSuites(gnutlsProgram);
testFeatures(gnutlsProgram, { server, client });
