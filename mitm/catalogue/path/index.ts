import type { Attack } from "../../attack.ts";
import p01PathA from "./p-01-path-a-old-version-in-hello.ts";
import p01PathB from "./p-01-path-b-old-dtls-version-in-hello.ts";
import p03PathA from "./p-03-path-a-no-supported-versions.ts";
import p03PathB from "./p-03-path-b-sentinel-erased.ts";
import p03PathC from "./p-03-path-c-other-preferences.ts";
import p03PathD from "./p-03-path-d-fewer-groups.ts";
import p15Path from "./p-15-path-no-server-name.ts";
import p16a from "./p-16a-truncation-to-gateway.ts";
import p16b from "./p-16b-truncation-to-device.ts";
import p16c from "./p-16c-cut-handshakes.ts";
import p17a from "./p-17a-record-flipped-to-gateway.ts";
import p17b from "./p-17b-content-flipped-to-gateway.ts";
import p17c from "./p-17c-record-doubled-to-gateway.ts";
import p17d from "./p-17d-record-dropped-to-gateway.ts";
import p17e from "./p-17e-record-swapped-to-gateway.ts";
import p17f from "./p-17f-record-flipped-to-device.ts";
import p17g from "./p-17g-content-flipped-to-device.ts";
import p17h from "./p-17h-record-doubled-to-device.ts";
import p17i from "./p-17i-record-dropped-to-device.ts";
import p17j from "./p-17j-record-swapped-to-device.ts";
import p17k from "./p-17k-record-of-another-session.ts";
import p17l from "./p-17l-plaintext-record-to-gateway.ts";
import p17m from "./p-17m-plaintext-record-to-device.ts";
import p17n from "./p-17n-datagram-flipped-to-gateway.ts";
import p17o from "./p-17o-datagram-flipped-to-device.ts";
import p18PathA from "./p-18-path-a-early-data-to-gateway.ts";
import p18PathB from "./p-18-path-b-early-data-to-device.ts";
import p21PathA from "./p-21-path-a-plaintext-prefix-to-gateway.ts";
import p21PathB from "./p-21-path-b-plaintext-prefix-to-device.ts";
import p23 from "./p-23-relay-under-own-certificate.ts";
import u07a from "./u-07a-record-again-to-gateway.ts";
import u07b from "./u-07b-record-again-to-device.ts";
import u07c from "./u-07c-record-again-late-to-gateway.ts";
import u07d from "./u-07d-record-again-late-to-device.ts";
import u07e from "./u-07e-handshake-again-to-gateway.ts";
import u07f from "./u-07f-handshake-again-to-device.ts";
import u08a from "./u-08a-record-late-to-gateway.ts";
import u08b from "./u-08b-record-late-to-device.ts";
import u08c from "./u-08c-record-too-late-to-gateway.ts";
import u08d from "./u-08d-record-too-late-to-device.ts";
import u09a from "./u-09a-flights-of-device-lost.ts";
import u09b from "./u-09b-flights-of-gateway-lost.ts";
import u09c from "./u-09c-every-third-datagram-lost.ts";
import u09d from "./u-09d-all-but-the-end-of-a-flight-lost.ts";
import u09e from "./u-09e-no-answer.ts";
import u09f from "./u-09f-handshake-in-pieces.ts";
import u10a from "./u-10a-everything-many-times.ts";
import u10b from "./u-10b-texts-in-bad-weather.ts";
import u11a from "./u-11a-application-data-in-clear-to-gateway.ts";
import u11b from "./u-11b-application-data-in-clear-to-device.ts";
import u11c from "./u-11c-fatal-alert-in-clear-to-gateway.ts";
import u11d from "./u-11d-fatal-alert-in-clear-to-device.ts";
import u11e from "./u-11e-close-notify-in-clear-to-gateway.ts";
import u11f from "./u-11f-close-notify-in-clear-to-device.ts";
import u11g from "./u-11g-finished-in-clear-to-gateway.ts";
import u11h from "./u-11h-finished-in-clear-to-device.ts";
import u11i from "./u-11i-client-hello-in-clear-to-gateway.ts";
import u11j from "./u-11j-hello-request-in-clear-to-device.ts";
import u11k from "./u-11k-client-hello-with-cookie-to-gateway.ts";
import u19a from "./u-19a-forged-certificate.ts";
import u19b from "./u-19b-forged-client-key-exchange.ts";
import u19c from "./u-19c-forged-alert-to-device.ts";
import u19d from "./u-19d-forged-alert-to-gateway.ts";
import u19e from "./u-19e-forged-server-hello.ts";
import u19f from "./u-19f-flipped-handshake.ts";
import u32a from "./u-32a-forged-record-from-another-address.ts";
import u32b from "./u-32b-forged-record-from-its-address.ts";
import u33a from "./u-33a-replay-from-another-address.ts";
import u33b from "./u-33b-old-record-from-another-address.ts";
import u33c from "./u-33c-device-behind-another-port.ts";
import u34 from "./u-34-answers-to-a-victim.ts";
import u35a from "./u-35a-connection-id-stripped-to-gateway.ts";
import u35b from "./u-35b-connection-id-stripped-to-device.ts";
import u35c from "./u-35c-connection-id-out-of-hello.ts";

export const pathAttacks: readonly Attack[] = [
  p01PathA,
  p01PathB,
  p03PathA,
  p03PathB,
  p03PathC,
  p03PathD,
  p15Path,
  p16a,
  p16b,
  p16c,
  p17a,
  p17b,
  p17c,
  p17d,
  p17e,
  p17f,
  p17g,
  p17h,
  p17i,
  p17j,
  p17k,
  p17l,
  p17m,
  p17n,
  p17o,
  p18PathA,
  p18PathB,
  p21PathA,
  p21PathB,
  p23,
  u07a,
  u07b,
  u07c,
  u07d,
  u07e,
  u07f,
  u08a,
  u08b,
  u08c,
  u08d,
  u09a,
  u09b,
  u09c,
  u09d,
  u09e,
  u09f,
  u10a,
  u10b,
  u11a,
  u11b,
  u11c,
  u11d,
  u11e,
  u11f,
  u11g,
  u11h,
  u11i,
  u11j,
  u11k,
  u19a,
  u19b,
  u19c,
  u19d,
  u19e,
  u19f,
  u32a,
  u32b,
  u33a,
  u33b,
  u33c,
  u34,
  u35a,
  u35b,
  u35c,
];
