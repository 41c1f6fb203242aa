import { weakSuiteAttack } from "./weak-suite.ts";

export default weakSuiteAttack("anonymous-suites-accepted", {
  id: "P-04b",
  title: "a ClientHello with suites without authentication alone",
  severity: "critical",
  rfc: ["RFC 9325 §4.1", "RFC 5246 §A.5"],
});
