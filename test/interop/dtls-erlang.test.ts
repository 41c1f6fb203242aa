import { expect } from "vitest";
import { outcomeWith, withCertificates } from "../support/dtls-interop/common-features.ts";
import { erlangProgram } from "../support/dtls-interop/erlang.ts";
import { type FeatureTests, testFeatures } from "../support/dtls-interop/feature-tests.ts";
import { ourServer } from "../support/dtls-interop/ours.ts";
import { stop } from "../support/dtls-interop/peer.ts";
import { testSuites } from "../support/dtls-interop/suite-tests.ts";
import { until } from "../support/until.ts";

const server: FeatureTests = {
  "without extended master secret: refused": async (peer, credentials) => {
    const call = withCertificates(credentials);
    await using our = await ourServer(peer.speech, call);
    const client = peer.client(our.port, call);
    await until("our server refuses", () => our.refused.length > 0 || our.sessions.length > 0);
    await stop(client);
    expect(our.refused).toEqual(["DTLS_NO_EXTENDED_MASTER_SECRET"]);
  },
};

const client: FeatureTests = {
  "without extended master secret: refused": async (peer, credentials) => {
    const call = withCertificates(credentials);
    expect(await outcomeWith(peer, call, call)).toBe("DTLS_NO_EXTENDED_MASTER_SECRET");
  },
};

// Erlang 25 does not know it.
testSuites(erlangProgram, { dangerouslyAllowMissingExtendedMasterSecret: true });
testFeatures(erlangProgram, { server, client });
