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
];
