import { withTheirClient, withTheirServer } from "../support/dtls-interop/common-features.ts";
import { testFeatures } from "../support/dtls-interop/feature-tests.ts";
import { libcoapProgram } from "../support/dtls-interop/libcoap.ts";
import { testSuites } from "../support/dtls-interop/suite-tests.ts";

for (const library of ["openssl", "gnutls"] as const) {
  const peer = libcoapProgram(library);
  testSuites(peer);
  testFeatures(peer, { server: withTheirClient, client: withTheirServer });
}
