/**
 * Cipher suites that RFC 9325 §4.1 and §4.2 rule out, by what is wrong with them: the name of the weakness that a server
 * has who takes one.
 */
export const weakSuites = {
  /** RFC 9325 §4.1: "MUST NOT negotiate the cipher suites with NULL encryption". */
  "null-suites-accepted": [0x0001, 0x0002, 0x003b, 0x00b4, 0x00b5, 0xc006, 0xc010],
  /** Nobody proves who they are: DH_anon, ECDH_anon. */
  "anonymous-suites-accepted": [0x0018, 0x001b, 0x0034, 0x006c, 0x00a6, 0xc017, 0xc018, 0xc019],
  /** RFC 9325 §4.1: suites "offering less than 112 bits of security": 40 and 56 bits. */
  "export-suites-accepted": [0x0003, 0x0006, 0x0008, 0x0014, 0x0017, 0x0009, 0x0015],
  /** RFC 7465; RFC 9325 §4.1: RC4 and, of 64-bit blocks, 3DES. */
  "broken-ciphers-accepted": [0xc007, 0xc011, 0x0005, 0x0004, 0xc008, 0xc012, 0x000a],
  /** RFC 9325 §4.1: "MUST NOT negotiate cipher suites based on RSA key transport". */
  "static-rsa-accepted": [0x009c, 0x009d, 0x003c, 0x002f, 0x0035, 0xc09c],
  /** MAC-then-encrypt: RFC 9325 §4.2 recommends suites with AEAD alone. */
  "cbc-suites-accepted": [0xc009, 0xc00a, 0xc023, 0xc024, 0xc013, 0xc014, 0xc027, 0xc028],
} as const satisfies Record<string, readonly number[]>;

export type WeakSuiteKind = keyof typeof weakSuites;

/** In the order in which a server looks at them. */
export const weakSuiteKinds: readonly WeakSuiteKind[] = [
  "null-suites-accepted",
  "anonymous-suites-accepted",
  "export-suites-accepted",
  "broken-ciphers-accepted",
  "static-rsa-accepted",
  "cbc-suites-accepted",
];
