import { cFeatures } from "../support/dtls-interop/c-features.ts";
import { cPeer } from "../support/dtls-interop/c-peers.ts";
import { testFeatures } from "../support/dtls-interop/feature-tests.ts";
import { testSuites } from "../support/dtls-interop/suite-tests.ts";

const peer = await cPeer("OpenSSL 3.5", "openssl", true);
testSuites(peer);
testFeatures(peer, cFeatures);
