import { weakSuiteAttack } from "./weak-suite.ts";

export default weakSuiteAttack("null-suites-accepted", {
  id: "P-04a",
  title: "a ClientHello with suites without encryption alone",
  severity: "high",
  rfc: ["RFC 9325 §4.1"],
});
