import type { Attack } from "../../attack.ts";
import p01a from "./p-01a-ssl-3.ts";
import p01b from "./p-01b-tls-1-0.ts";
import p01c from "./p-01c-tls-1-1.ts";
import p01d from "./p-01d-ssl-2-hello.ts";
import p04a from "./p-04a-null-encryption.ts";
import p04b from "./p-04b-anonymous-suites.ts";
import p04c from "./p-04c-export-suites.ts";
import p04d from "./p-04d-rc4-and-3des.ts";
import p04e from "./p-04e-static-rsa.ts";
import p04f from "./p-04f-cbc-suites.ts";
import p04g from "./p-04g-weak-groups.ts";
import p04h from "./p-04h-compression.ts";
import p04i from "./p-04i-sha1-signatures.ts";
import p06a from "./p-06a-zero-share.ts";
import p06b from "./p-06b-short-share.ts";
import p06c from "./p-06c-point-off-the-curve.ts";
import p06d from "./p-06d-point-at-infinity.ts";
import p19a from "./p-19a-zeros-finished-to-gateway-tls13.ts";
import p19b from "./p-19b-truncated-finished-to-gateway-tls13.ts";
import p19c from "./p-19c-zeros-finished-to-gateway-tls12.ts";
import p19d from "./p-19d-truncated-finished-to-gateway-tls12.ts";
import p19e from "./p-19e-zeros-finished-to-device-tls13.ts";
import p19f from "./p-19f-truncated-finished-to-device-tls13.ts";
import p19g from "./p-19g-zeros-finished-to-device-tls12.ts";
import p19h from "./p-19h-truncated-finished-to-device-tls12.ts";

export const protocolAttacks: readonly Attack[] = [
  p01a,
  p01b,
  p01c,
  p01d,
  p04a,
  p04b,
  p04c,
  p04d,
  p04e,
  p04f,
  p04g,
  p04h,
  p04i,
  p06a,
  p06b,
  p06c,
  p06d,
  p19a,
  p19b,
  p19c,
  p19d,
  p19e,
  p19f,
  p19g,
  p19h,
];
