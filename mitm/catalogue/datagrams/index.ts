import type { Attack } from "../../attack.ts";
import u01a from "./u-01a-no-cookie.ts";
import u01b from "./u-01b-many-hellos.ts";
import u02 from "./u-02-amplification.ts";
import u03a from "./u-03a-altered-cookie.ts";
import u03b from "./u-03b-longest-cookie.ts";
import u03c from "./u-03c-cut-cookie.ts";
import u04 from "./u-04-cookie-of-another-address.ts";
import u05 from "./u-05-cookie-of-another-hello.ts";
import u06a from "./u-06a-verify-request-loop.ts";
import u06b from "./u-06b-late-verify-request.ts";
import u12 from "./u-12-plaintext-data.ts";
import u13a from "./u-13a-data-instead-of-finished.ts";
import u13b from "./u-13b-data-instead-of-finished.ts";
import u14a from "./u-14a-epoch-ahead.ts";
import u14b from "./u-14b-last-epoch.ts";
import u14c from "./u-14c-wrapped-sequence-number.ts";
import u14d from "./u-14d-epoch-ahead.ts";
import u14e from "./u-14e-wrapped-sequence-number.ts";
import u15a from "./u-15a-contradicting-fragments.ts";
import u15b from "./u-15b-contradicting-fragments.ts";
import u16a from "./u-16a-fragment-beyond-message.ts";
import u16b from "./u-16b-changing-length.ts";
import u16c from "./u-16c-empty-fragments.ts";
import u16d from "./u-16d-fragment-beyond-message.ts";
import u16e from "./u-16e-changing-length.ts";
import u17a from "./u-17a-gap-in-numbers.ts";
import u17b from "./u-17b-number-used-again.ts";
import u17c from "./u-17c-messages-to-come.ts";
import u17d from "./u-17d-gap-in-numbers.ts";
import u18a from "./u-18a-new-hello-without-cookie.ts";
import u18b from "./u-18b-new-hello-with-cookie.ts";
import u20a from "./u-20a-early-change-cipher-spec.ts";
import u20b from "./u-20b-second-change-cipher-spec.ts";
import u21 from "./u-21-no-certificate-verify.ts";
import u22 from "./u-22-no-certificate.ts";
import u23 from "./u-23-no-change-cipher-spec.ts";
import u24 from "./u-24-no-key-exchange.ts";
import u25 from "./u-25-certificate-and-finished.ts";
import u26 from "./u-26-zero-finished.ts";
import u27 from "./u-27-key-exchange-first.ts";
import u28 from "./u-28-proof-before-key-exchange.ts";
import u29 from "./u-29-proof-after-change.ts";
import u30a from "./u-30a-finished-alone.ts";
import u30b from "./u-30b-change-and-finished.ts";
import u30c from "./u-30c-second-key-exchange.ts";
import u30d from "./u-30d-second-certificate.ts";
import u30e from "./u-30e-hello-in-between.ts";
import u31a from "./u-31a-flipped-key-exchange-signature.ts";
import u31b from "./u-31b-key-exchange-of-another-handshake.ts";
import u31c from "./u-31c-no-certificate.ts";
import u31d from "./u-31d-no-key-exchange.ts";
import u31e from "./u-31e-second-certificate.ts";
import u31f from "./u-31f-hello-done-first.ts";
import u31g from "./u-31g-key-exchange-first.ts";
import u31h from "./u-31h-early-change-cipher-spec.ts";
import u31i from "./u-31i-early-finished.ts";
import u31j from "./u-31j-zero-finished.ts";
import u31k from "./u-31k-plaintext-finished.ts";
import u36a from "./u-36a-predictable-connection-ids.ts";
import u36b from "./u-36b-same-connection-id.ts";
import u36c from "./u-36c-unknown-connection-ids.ts";
import u36d from "./u-36d-long-connection-id.ts";
import u37a from "./u-37a-psk-for-a-certificate-device.ts";
import u37b from "./u-37b-empty-psk.ts";
import u38a from "./u-38a-alert-storm.ts";
import u38b from "./u-38b-largest-datagram.ts";
import u38c from "./u-38c-record-beyond-datagram.ts";
import u38d from "./u-38d-tag-that-does-not-fit.ts";
import u38e from "./u-38e-plaintext-among-protected.ts";
import u38f from "./u-38f-tag-that-does-not-fit.ts";
import u38g from "./u-38g-plaintext-close.ts";
import u38h from "./u-38h-plaintext-fatal-alert.ts";
import u39a from "./u-39a-dtls-1-0.ts";
import u39b from "./u-39b-older-version-in-extension.ts";
import u39c from "./u-39c-dtls-1-0.ts";
import u40 from "./u-40-walk.ts";
import u41a from "./u-41a-no-extended-master-secret.ts";
import u41b from "./u-41b-no-extended-master-secret.ts";

export const datagramAttacks: readonly Attack[] = [
  u01a,
  u01b,
  u02,
  u03a,
  u03b,
  u03c,
  u04,
  u05,
  u06a,
  u06b,
  u12,
  u13a,
  u13b,
  u14a,
  u14b,
  u14c,
  u14d,
  u14e,
  u15a,
  u15b,
  u16a,
  u16b,
  u16c,
  u16d,
  u16e,
  u17a,
  u17b,
  u17c,
  u17d,
  u18a,
  u18b,
  u20a,
  u20b,
  u21,
  u22,
  u23,
  u24,
  u25,
  u26,
  u27,
  u28,
  u29,
  u30a,
  u30b,
  u30c,
  u30d,
  u30e,
  u31a,
  u31b,
  u31c,
  u31d,
  u31e,
  u31f,
  u31g,
  u31h,
  u31i,
  u31j,
  u31k,
  u36a,
  u36b,
  u36c,
  u36d,
  u37a,
  u37b,
  u38a,
  u38b,
  u38c,
  u38d,
  u38e,
  u38f,
  u38g,
  u38h,
  u39a,
  u39b,
  u39c,
  u40,
  u41a,
  u41b,
];
