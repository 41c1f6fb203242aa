import { cFeatures } from "../support/dtls-interop/c-features.ts";
import { cPeer } from "../support/dtls-interop/c-peers.ts";
import { testFeatures } from "../support/dtls-interop/feature-tests.ts";
import { testSuites } from "../support/dtls-interop/suite-tests.ts";

const peers = [
  await cPeer("Mbed TLS 2.28", "mbedtls", false),
  await cPeer("Mbed TLS of sid", "mbedtls", true),
];
for (const peer of peers) {
  testSuites(peer);
  testFeatures(peer, cFeatures);
}
