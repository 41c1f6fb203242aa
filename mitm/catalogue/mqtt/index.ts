import type { Attack } from "../../attack.ts";
import m01a from "./m-01a-foreign-client-id.ts";
import m01b from "./m-01b-wiped-session.ts";
import m02a from "./m-02a-two-sessions.ts";
import m02b from "./m-02b-sessions-without-end.ts";
import m03a from "./m-03a-foreign-user-name.ts";
import m03b from "./m-03b-rights-of-the-client-id.ts";
import m04a from "./m-04a-foreign-publish.ts";
import m04b from "./m-04b-foreign-subscribe.ts";
import m04c from "./m-04c-hash.ts";
import m04d from "./m-04d-plus.ts";
import m04e from "./m-04e-shared.ts";
import m04f from "./m-04f-broker-state.ts";
import m04g from "./m-04g-second-filter.ts";
import m04h from "./m-04h-spoofed-telemetry.ts";
import m05a from "./m-05a-dot-segments.ts";
import m05b from "./m-05b-wildcard-client-id.ts";
import m05c from "./m-05c-nul-in-client-id.ts";
import m05d from "./m-05d-nul-in-topic.ts";
import m05e from "./m-05e-ill-formed-utf8.ts";
import m05f from "./m-05f-long-client-id.ts";
import m05g from "./m-05g-wildcard-in-topic-name.ts";
import m06a from "./m-06a-foreign-will.ts";
import m06b from "./m-06b-retained-foreign-will.ts";
import m06c from "./m-06c-huge-will.ts";
import m06d from "./m-06d-wildcard-will.ts";
import m07a from "./m-07a-will-after-revocation.ts";
import m07b from "./m-07b-will-cut-after-revocation.ts";
import m08a from "./m-08a-retained-poison.ts";
import m08b from "./m-08b-retained-after-revocation.ts";
import m09a from "./m-09a-stolen-session.ts";
import m10a from "./m-10a-subscription-after-revocation.ts";
import m10b from "./m-10b-inherited-session.ts";
import m11a from "./m-11a-publish-identifier-zero.ts";
import m11b from "./m-11b-subscribe-identifier-zero.ts";
import m11c from "./m-11c-identifier-used-again.ts";
import m11d from "./m-11d-foreign-acknowledgements.ts";
import m11e from "./m-11e-never-released.ts";
import m12a from "./m-12a-packet-before-connect.ts";
import m12b from "./m-12b-second-connect.ts";
import m12c from "./m-12c-five-byte-length.ts";
import m12d from "./m-12d-huge-packet.ts";
import m12e from "./m-12e-slow-connect.ts";
import m12f from "./m-12f-dripping-connect.ts";
import m12g from "./m-12g-reserved-flags.ts";
import m12h from "./m-12h-qos-three.ts";
import m12i from "./m-12i-connect-reserved-flag.ts";
import m12j from "./m-12j-lone-password.ts";
import m13a from "./m-13a-foreign-response-topic.ts";
import m13b from "./m-13b-foreign-topic-alias.ts";
import m14 from "./m-14-silent-device.ts";

/** What an authenticated device may try inside its own session: rows M-01 to M-14. */
export const mqttAttacks: readonly Attack[] = [
  m01a,
  m01b,
  m02a,
  m02b,
  m03a,
  m03b,
  m04a,
  m04b,
  m04c,
  m04d,
  m04e,
  m04f,
  m04g,
  m04h,
  m05a,
  m05b,
  m05c,
  m05d,
  m05e,
  m05f,
  m05g,
  m06a,
  m06b,
  m06c,
  m06d,
  m07a,
  m07b,
  m08a,
  m08b,
  m09a,
  m10a,
  m10b,
  m11a,
  m11b,
  m11c,
  m11d,
  m11e,
  m12a,
  m12b,
  m12c,
  m12d,
  m12e,
  m12f,
  m12g,
  m12h,
  m12i,
  m12j,
  m13a,
  m13b,
  m14,
];
