import { weakSuiteAttack } from "./weak-suite.ts";

export default weakSuiteAttack("cbc-suites-accepted", {
  id: "P-04f",
  title: "a ClientHello with CBC suites alone",
  severity: "low",
  rfc: ["RFC 9325 §4.2"],
});
