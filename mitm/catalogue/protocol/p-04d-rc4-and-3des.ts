import { weakSuiteAttack } from "./weak-suite.ts";

export default weakSuiteAttack("broken-ciphers-accepted", {
  id: "P-04d",
  title: "a ClientHello with RC4 and 3DES suites alone",
  severity: "high",
  rfc: ["RFC 7465 §2", "RFC 9325 §4.1"],
});
