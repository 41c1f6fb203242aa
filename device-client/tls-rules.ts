import { constants } from "node:crypto";
import type { SecureContextOptions } from "node:tls";

/**
 * What this device speaks: RFC 9325 (BCP 195) with the choice of suites narrowed to what its gateway has.
 *
 * TLS 1.3 (RFC 9846) is taken where both have it, 1.2 remains with forward-secret AEAD suites alone.
 */
export const tlsRules = {
  minVersion: "TLSv1.2",
  maxVersion: "TLSv1.3",
  ciphers: [
    "TLS_AES_256_GCM_SHA384",
    "TLS_CHACHA20_POLY1305_SHA256",
    "TLS_AES_128_GCM_SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-CHACHA20-POLY1305",
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-RSA-CHACHA20-POLY1305",
    "ECDHE-RSA-AES128-GCM-SHA256",
  ].join(":"),
  // The hybrid first: what is recorded today should not be readable once there are quantum computers.
  ecdhCurve: "X25519MLKEM768:X25519:P-256:P-384",
  // RFC 9325 §3.4: no renegotiation. No tickets: each connection shows its chain again and is checked again.
  secureOptions: constants.SSL_OP_NO_RENEGOTIATION | constants.SSL_OP_NO_TICKET,
  // An anchor is what the device was given, be it a root or not; path validation holds to the same.
  allowPartialTrustChain: true,
} as const satisfies SecureContextOptions;
