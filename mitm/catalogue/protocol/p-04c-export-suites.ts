import { weakSuiteAttack } from "./weak-suite.ts";

export default weakSuiteAttack("export-suites-accepted", {
  id: "P-04c",
  title: "a ClientHello with export-strength suites alone",
  severity: "high",
  rfc: ["RFC 9325 §4.1"],
});
