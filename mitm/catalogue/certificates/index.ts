import type { Attack } from "../../attack.ts";
import dCert01a from "./d-cert-01a-rogue-root-of-the-same-name.ts";
import dCert01b from "./d-cert-01b-rogue-root-sent-along.ts";
import dCert02 from "./d-cert-02-self-signed.ts";
import dCert03a from "./d-cert-03a-another-key-certified.ts";
import dCert03b from "./d-cert-03b-altered-signature.ts";
import dCert03c from "./d-cert-03c-signed-by-another-key.ts";
import dCert04 from "./d-cert-04-expired.ts";
import dCert05 from "./d-cert-05-not-yet-valid.ts";
import dCert06a from "./d-cert-06a-expired-intermediate.ts";
import dCert06b from "./d-cert-06b-intermediate-not-yet-valid.ts";
import dCert07a from "./d-cert-07a-another-name.ts";
import dCert07b from "./d-cert-07b-name-with-a-suffix.ts";
import dCert07c from "./d-cert-07c-name-with-a-prefix.ts";
import dCert08a from "./d-cert-08a-common-name-alone.ts";
import dCert08b from "./d-cert-08b-common-name-beside-another-name.ts";
import dCert09a from "./d-cert-09a-name-in-a-uri.ts";
import dCert09b from "./d-cert-09b-name-in-a-mail-address.ts";
import dCert10a from "./d-cert-10a-bare-wildcard.ts";
import dCert10b from "./d-cert-10b-partial-wildcard.ts";
import dCert10c from "./d-cert-10c-wildcard-over-two-labels.ts";
import dCert11a from "./d-cert-11a-nul-in-a-name.ts";
import dCert12a from "./d-cert-12a-client-purpose.ts";
import dCert12b from "./d-cert-12b-ca-for-clients.ts";
import dCert13a from "./d-cert-13a-no-purpose.ts";
import dCert13b from "./d-cert-13b-any-purpose.ts";
import dCert14 from "./d-cert-14-device-issues.ts";
import dCert15 from "./d-cert-15-path-length.ts";
import dCert16 from "./d-cert-16-name-constraints.ts";
import dCert17 from "./d-cert-17-wildcard-over-an-exclusion.ts";
import dCert18a from "./d-cert-18a-no-basic-constraints.ts";
import dCert18b from "./d-cert-18b-no-key-cert-sign.ts";
import dCert18c from "./d-cert-18c-version-1-ca.ts";
import dCert19a from "./d-cert-19a-ca-certificate-as-leaf.ts";
import dCert19b from "./d-cert-19b-key-not-for-signing.ts";
import dCert20a from "./d-cert-20a-sha1-leaf.ts";
import dCert20b from "./d-cert-20b-md5-leaf.ts";
import dCert20c from "./d-cert-20c-sha1-intermediate.ts";
import dCert21a from "./d-cert-21a-rsa-1024-leaf.ts";
import dCert21b from "./d-cert-21b-rsa-1024-intermediate.ts";
import dCert21c from "./d-cert-21c-p192-intermediate.ts";
import dCert22a from "./d-cert-22a-explicit-curve.ts";
import dCert22b from "./d-cert-22b-curveball.ts";
import dCert23a from "./d-cert-23a-unknown-critical-leaf.ts";
import dCert23b from "./d-cert-23b-unknown-critical-intermediate.ts";
import dCert24a from "./d-cert-24a-revoked.ts";
import dCert24b from "./d-cert-24b-revoked-intermediate.ts";
import dCert25a from "./d-cert-25a-stale-revocation-list.ts";
import dCert25b from "./d-cert-25b-forged-revocation-list.ts";
import dCert25c from "./d-cert-25c-withheld-revocation-list.ts";
import dCert26a from "./d-cert-26a-replayed-staple.ts";
import dCert26b from "./d-cert-26b-staple-of-another-certificate.ts";
import dCert26c from "./d-cert-26c-forged-staple.ts";
import dCert27a from "./d-cert-27a-mis-issued.ts";
import dCert27b from "./d-cert-27b-pinned-certificate-sent-along.ts";
import dCert28 from "./d-cert-28-pinned-key-of-another-server.ts";
import dCert29a from "./d-cert-29a-pinned-key-expired.ts";
import dCert29b from "./d-cert-29b-pinned-key-self-signed.ts";
import dCert30a from "./d-cert-30a-swapped-intermediate.ts";
import dCert30b from "./d-cert-30b-chain-of-120.ts";
import dCert31a from "./d-cert-31a-issuer-by-url.ts";
import dCert31b from "./d-cert-31b-missing-intermediate.ts";
import dCert31c from "./d-cert-31c-gateway-certificate-behind-another.ts";
import dCert32a from "./d-cert-32a-long-lengths.ts";
import dCert32b from "./d-cert-32b-trailing-bytes.ts";
import dCert32c from "./d-cert-32c-two-names-extensions.ts";
import dCert32d from "./d-cert-32d-unreadable-certificate.ts";
import dCert33a from "./d-cert-33a-without-the-key.ts";
import dCert33b from "./d-cert-33b-without-the-key-tls12.ts";
import dCert34a from "./d-cert-34a-trust-after-failures.ts";
import dCert34b from "./d-cert-34b-plaintext-after-failures.ts";
import dCert35 from "./d-cert-35-root-store.ts";

/** What a device must refuse in the certificate of whoever stands in its gateway's place. */
export const certificateAttacks: readonly Attack[] = [
  dCert01a,
  dCert01b,
  dCert02,
  dCert03a,
  dCert03b,
  dCert03c,
  dCert04,
  dCert05,
  dCert06a,
  dCert06b,
  dCert07a,
  dCert07b,
  dCert07c,
  dCert08a,
  dCert08b,
  dCert09a,
  dCert09b,
  dCert10a,
  dCert10b,
  dCert10c,
  dCert11a,
  dCert12a,
  dCert12b,
  dCert13a,
  dCert13b,
  dCert14,
  dCert15,
  dCert16,
  dCert17,
  dCert18a,
  dCert18b,
  dCert18c,
  dCert19a,
  dCert19b,
  dCert20a,
  dCert20b,
  dCert20c,
  dCert21a,
  dCert21b,
  dCert21c,
  dCert22a,
  dCert22b,
  dCert23a,
  dCert23b,
  dCert24a,
  dCert24b,
  dCert25a,
  dCert25b,
  dCert25c,
  dCert26a,
  dCert26b,
  dCert26c,
  dCert27a,
  dCert27b,
  dCert28,
  dCert29a,
  dCert29b,
  dCert30a,
  dCert30b,
  dCert31a,
  dCert31b,
  dCert31c,
  dCert32a,
  dCert32b,
  dCert32c,
  dCert32d,
  dCert33a,
  dCert33b,
  dCert34a,
  dCert34b,
  dCert35,
];
