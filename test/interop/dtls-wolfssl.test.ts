import { cFeatures } from "../support/dtls-interop/c-features.ts";
import { cPeer } from "../support/dtls-interop/c-peers.ts";
import { testFeatures } from "../support/dtls-interop/feature-tests.ts";
import { testSuites } from "../support/dtls-interop/suite-tests.ts";

const peers = [await cPeer("wolfSSL 5.5", "wolfssl", false), await cPeer("wolfSSL of sid", "wolfssl", true)];
for (const peer of peers) {
  testSuites(peer);
  testFeatures(peer, cFeatures);
}
