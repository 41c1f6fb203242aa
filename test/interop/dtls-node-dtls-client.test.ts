import { expect } from "vitest";
import { type FeatureTests, testFeatures } from "../support/dtls-interop/feature-tests.ts";
import { nodeDtlsClient } from "../support/dtls-interop/node-dtls-client.ts";
import { ourServer } from "../support/dtls-interop/ours.ts";
import { stop, talk } from "../support/dtls-interop/peer.ts";
import { testSuites } from "../support/dtls-interop/suite-tests.ts";
import { until } from "../support/until.ts";

/** It sends no extension at all. */
const lenient = { dangerouslyAllowMissingExtendedMasterSecret: true };

const server: FeatureTests = {
  "another pre-shared key is refused": async (peer, credentials) => {
    const call = { credentials, credential: "PSK" } as const;
    await using our = await ourServer(peer.speech, call, { ...lenient, handshakeTimeout: 2500 });
    const client = peer.client(our.port, { ...call, psk: credentials.wrongPsk });
    await until("our server notices", () => our.refused.length > 0 || our.sessions.length > 0);
    await stop(client);
    // It sends nothing twice and says nothing: all that is seen is a Finished that does not open.
    expect(our.refused[0]).toMatch(/^DTLS_(PSK_MISMATCH|HANDSHAKE_TIMEOUT)$/);
    expect(our.sessions).toEqual([]);
  },
  "without extended master secret: refused": async (peer, credentials) => {
    const call = { credentials, credential: "PSK" } as const;
    await using our = await ourServer(peer.speech, call);
    const client = peer.client(our.port, call);
    await until("our server refuses", () => our.refused.length > 0 || our.sessions.length > 0);
    await stop(client);
    expect(our.refused).toEqual(["DTLS_NO_EXTENDED_MASTER_SECRET"]);
  },
  "without extended master secret: let in where that is allowed": async (peer, credentials) => {
    const call = { credentials, credential: "PSK" } as const;
    await using our = await ourServer(peer.speech, call, lenient);
    await stop(await talk(peer, our.port, call));
    expect((await our.first()).peer?.certificateType).toBe("PSK");
  },
  "the client closes, and our side hears it": async (peer, credentials) => {
    const call = { credentials, credential: "PSK" } as const;
    await using our = await ourServer(peer.speech, call, lenient);
    const client = await talk(peer, our.port, call);
    await (await our.first()).closed;
    await stop(client);
  },
};

testSuites(nodeDtlsClient, lenient);
testFeatures(nodeDtlsClient, { server, client: {} });
