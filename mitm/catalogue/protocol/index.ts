import type { Attack } from "../../attack.ts";
import p01a from "./p-01a-ssl-3.ts";
import p01b from "./p-01b-tls-1-0.ts";
import p01c from "./p-01c-tls-1-1.ts";
import p01d from "./p-01d-ssl-2-hello.ts";
import p02a from "./p-02a-downgrade-sentinel.ts";
import p02b from "./p-02b-server-hello-tls-1-1.ts";
import p02c from "./p-02c-server-hello-tls-1-0.ts";
import p02d from "./p-02d-server-hello-ssl-3.ts";
import p02e from "./p-02e-version-fallback.ts";
import p04a from "./p-04a-null-encryption.ts";
import p04b from "./p-04b-anonymous-suites.ts";
import p04c from "./p-04c-export-suites.ts";
import p04d from "./p-04d-rc4-and-3des.ts";
import p04e from "./p-04e-static-rsa.ts";
import p04f from "./p-04f-cbc-suites.ts";
import p04g from "./p-04g-weak-groups.ts";
import p04h from "./p-04h-compression.ts";
import p04i from "./p-04i-sha1-signatures.ts";
import p04j from "./p-04j-worthless-suites-offered.ts";
import p04k from "./p-04k-outdated-suites-offered.ts";
import p04l from "./p-04l-legacy-versions-offered.ts";
import p04m from "./p-04m-broken-signatures-offered.ts";
import p05a from "./p-05a-suite-not-offered-tls13.ts";
import p05b from "./p-05b-suite-not-offered-tls12.ts";
import p05c from "./p-05c-group-not-offered-tls12.ts";
import p05d from "./p-05d-retry-for-group-not-offered.ts";
import p05e from "./p-05e-second-hello-retry-request.ts";
import p05f from "./p-05f-other-session-id.ts";
import p05g from "./p-05g-extension-not-asked-for.ts";
import p05h from "./p-05h-compression-from-server.ts";
import p06a from "./p-06a-zero-share.ts";
import p06b from "./p-06b-short-share.ts";
import p06c from "./p-06c-point-off-the-curve.ts";
import p06d from "./p-06d-point-at-infinity.ts";
import p06e from "./p-06e-zero-client-key-exchange.ts";
import p06f from "./p-06f-off-curve-client-key-exchange.ts";
import p06g from "./p-06g-zero-share-from-gateway-tls13.ts";
import p06h from "./p-06h-off-curve-share-from-gateway-tls13.ts";
import p06i from "./p-06i-zero-share-from-gateway-tls12.ts";
import p06j from "./p-06j-off-curve-share-from-gateway-tls12.ts";
import p07a from "./p-07a-renegotiation.ts";
import p07b from "./p-07b-renegotiation-by-gateway.ts";
import p08a from "./p-08a-renegotiation-info-in-first-hello.ts";
import p08b from "./p-08b-renegotiation-info-in-first-server-hello.ts";
import p09a from "./p-09a-ticket-of-another-domain-tls13.ts";
import p09b from "./p-09b-ticket-of-another-domain-tls12.ts";
import p10a from "./p-10a-ticket-after-revocation-tls13.ts";
import p10b from "./p-10b-ticket-after-revocation-tls12.ts";
import p10c from "./p-10c-ticket-after-removal-tls13.ts";
import p10d from "./p-10d-ticket-after-removal-tls12.ts";
import p10e from "./p-10e-ticket-after-expiry.ts";
import p11a from "./p-11a-altered-ticket-tls13.ts";
import p11b from "./p-11b-altered-ticket-tls12.ts";
import p11c from "./p-11c-wrong-binder.ts";
import p11d from "./p-11d-ticket-with-other-suite.ts";
import p12a from "./p-12a-resumed-without-extended-master-secret.ts";
import p12b from "./p-12b-resumed-with-extended-master-secret.ts";
import p13a from "./p-13a-early-data.ts";
import p13b from "./p-13b-ticket-for-early-data.ts";
import p14a from "./p-14a-other-application-protocol.ts";
import p14b from "./p-14b-protocol-not-offered.ts";
import p15a from "./p-15a-nul-in-server-name.ts";
import p15b from "./p-15b-huge-server-name.ts";
import p15c from "./p-15c-extension-twice.ts";
import p18a from "./p-18a-data-before-finished-tls13.ts";
import p18b from "./p-18b-data-before-finished-tls12.ts";
import p18c from "./p-18c-no-finished-tls13.ts";
import p18d from "./p-18d-no-finished-tls12.ts";
import p18e from "./p-18e-no-change-cipher-spec.ts";
import p18f from "./p-18f-early-change-cipher-spec.ts";
import p18g from "./p-18g-odd-change-cipher-spec.ts";
import p18h from "./p-18h-second-client-key-exchange.ts";
import p18i from "./p-18i-second-client-hello.ts";
import p18j from "./p-18j-key-update-before-finished.ts";
import p18k from "./p-18k-message-of-the-server.ts";
import p18l from "./p-18l-interleaved-records.ts";
import p18m from "./p-18m-message-across-keys.ts";
import p18n from "./p-18n-empty-handshake-records.ts";
import p18o from "./p-18o-data-in-clear.ts";
import p18p from "./p-18p-long-record-tls13.ts";
import p18q from "./p-18q-long-record-tls12.ts";
import p18r from "./p-18r-no-certificate-tls13.ts";
import p18s from "./p-18s-no-certificate-verify-tls13.ts";
import p18t from "./p-18t-no-server-key-exchange.ts";
import p18u from "./p-18u-no-certificate-tls12.ts";
import p18v from "./p-18v-no-finished-from-gateway-tls13.ts";
import p18w from "./p-18w-no-finished-from-gateway-tls12.ts";
import p18x from "./p-18x-early-change-cipher-spec-from-gateway.ts";
import p18y from "./p-18y-data-before-finished-from-gateway.ts";
import p18z from "./p-18z-long-record-from-gateway.ts";
import p19a from "./p-19a-zeros-finished-to-gateway-tls13.ts";
import p19b from "./p-19b-truncated-finished-to-gateway-tls13.ts";
import p19c from "./p-19c-zeros-finished-to-gateway-tls12.ts";
import p19d from "./p-19d-truncated-finished-to-gateway-tls12.ts";
import p19e from "./p-19e-zeros-finished-to-device-tls13.ts";
import p19f from "./p-19f-truncated-finished-to-device-tls13.ts";
import p19g from "./p-19g-zeros-finished-to-device-tls12.ts";
import p19h from "./p-19h-truncated-finished-to-device-tls12.ts";
import p20a from "./p-20a-endless-handshake-message.ts";
import p20b from "./p-20b-dripping-hello.ts";
import p20c from "./p-20c-silent-connections.ts";
import p20d from "./p-20d-many-half-open.ts";
import p20e from "./p-20e-empty-records.ts";
import p20f from "./p-20f-endless-message-from-gateway.ts";
import p21a from "./p-21a-mqtt-in-clear.ts";
import p21b from "./p-21b-answer-in-clear.ts";
import p22a from "./p-22a-key-updates.ts";
import p22b from "./p-22b-key-updates-from-gateway.ts";
import p22c from "./p-22c-post-handshake-request.ts";

export const protocolAttacks: readonly Attack[] = [
  p01a,
  p01b,
  p01c,
  p01d,
  p02a,
  p02b,
  p02c,
  p02d,
  p02e,
  p04a,
  p04b,
  p04c,
  p04d,
  p04e,
  p04f,
  p04g,
  p04h,
  p04i,
  p04j,
  p04k,
  p04l,
  p04m,
  p05a,
  p05b,
  p05c,
  p05d,
  p05e,
  p05f,
  p05g,
  p05h,
  p06a,
  p06b,
  p06c,
  p06d,
  p06e,
  p06f,
  p06g,
  p06h,
  p06i,
  p06j,
  p07a,
  p07b,
  p08a,
  p08b,
  p09a,
  p09b,
  p10a,
  p10b,
  p10c,
  p10d,
  p10e,
  p11a,
  p11b,
  p11c,
  p11d,
  p12a,
  p12b,
  p13a,
  p13b,
  p14a,
  p14b,
  p15a,
  p15b,
  p15c,
  p18a,
  p18b,
  p18c,
  p18d,
  p18e,
  p18f,
  p18g,
  p18h,
  p18i,
  p18j,
  p18k,
  p18l,
  p18m,
  p18n,
  p18o,
  p18p,
  p18q,
  p18r,
  p18s,
  p18t,
  p18u,
  p18v,
  p18w,
  p18x,
  p18y,
  p18z,
  p19a,
  p19b,
  p19c,
  p19d,
  p19e,
  p19f,
  p19g,
  p19h,
  p20a,
  p20b,
  p20c,
  p20d,
  p20e,
  p20f,
  p21a,
  p21b,
  p22a,
  p22b,
  p22c,
];
