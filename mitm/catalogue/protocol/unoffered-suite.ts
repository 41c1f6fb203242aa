import { NotApplicable } from "../../errors.ts";
import type { DeviceLab } from "../../lab/device-lab.ts";
import type { Entry } from "../../lab/lab.ts";
import { editServerHello } from "../../tls/messages.ts";
import { TlsCipherSuite, type TlsVersion } from "../../tls/numbers.ts";
import { suiteName } from "../../tls/suites.ts";
import { helloOver, inPlaceOf } from "./at-version.ts";

/** Suites that the lab can go on with and devices seldom offer; of 1.2 for a certificate with an EC key. */
const candidates: Record<TlsVersion, readonly number[]> = {
  "TLS 1.3": [TlsCipherSuite.TLS_AES_128_CCM_SHA256],
  "TLS 1.2": [
    TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8,
    TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_AES_256_CCM_8,
    TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_AES_128_CCM,
    TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
  ],
};

/**
 * Chooses a suite that the device did not offer, and goes on with it.
 * @throws NotApplicable where it offers them all
 */
export async function unofferedSuite(lab: DeviceLab, version: TlsVersion): Promise<Entry> {
  const server = await lab.acceptTls({
    versions: [version],
    outgoing: inPlaceOf("ServerHello", ({ msgType = 0, body }) => {
      const offered = server.request?.hello.cipherSuites ?? [];
      const cipherSuite = candidates[version].find((suite) => !offered.includes(suite));
      if (cipherSuite === undefined)
        throw new NotApplicable("the device offers every suite that the lab can speak");
      const changed = editServerHello(body, () => ({ cipherSuite }));
      return [{ kind: "handshake", msgType, body: changed, note: suiteName(cipherSuite) }];
    }),
  });
  const failed = await helloOver(server, version);
  const result = failed ?? (await server.finish());
  return result.completed ? lab.trusts(server) : { admitted: false, ...result };
}
