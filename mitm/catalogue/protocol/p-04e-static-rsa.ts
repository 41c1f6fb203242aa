import { weakSuiteAttack } from "./weak-suite.ts";

export default weakSuiteAttack("static-rsa-accepted", {
  id: "P-04e",
  title: "a ClientHello with suites without forward secrecy alone",
  severity: "medium",
  rfc: ["RFC 9325 §4.1"],
});
