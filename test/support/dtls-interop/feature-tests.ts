import { afterAll, beforeAll, describe, test } from "vitest";
import { type Credentials, makeCredentials } from "./credentials.ts";
import { featuresOf, nameOf } from "./features.ts";
import type { OurRole } from "./names.ts";
import type { Peer } from "./peer.ts";

/** One feature with one peer. */
export type FeatureTest<P extends Peer = Peer> = (peer: P, credentials: Credentials) => Promise<void>;
export type FeatureTests<P extends Peer = Peer> = Readonly<Record<string, FeatureTest<P>>>;

/**
 * One test for each feature that the list has for this peer. `tests` may hold more than those: what is in the list
 * runs, and a feature without a test is an error.
 */
export function testFeatures<P extends Peer>(
  peer: P,
  tests: Readonly<Record<OurRole, FeatureTests<P>>>,
): void {
  let credentials: Credentials;
  beforeAll(async () => {
    credentials = await makeCredentials();
  });
  afterAll(() => credentials[Symbol.dispose]());

  const skipped = peer.missing === "" ? "" : ` (skipped: ${peer.missing})`;
  for (const role of ["server", "client"] as const) {
    const sides = role === "server" ? `${peer.name} client, our server` : `our client, ${peer.name} server`;
    if (featuresOf(peer.name, role).length === 0) continue;
    describe.skipIf(peer.missing !== "")(`${sides}${skipped}`, () => {
      for (const feature of featuresOf(peer.name, role)) {
        const expectFeature = tests[role][nameOf(feature)];
        if (expectFeature === undefined) throw new Error(`there is no test for: ${sides}, ${feature.what}`);
        test.concurrent(`${sides}: ${feature.what}`, async () => {
          await expectFeature(peer, credentials);
        });
      }
    });
  }
}
