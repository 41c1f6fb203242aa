import { hash } from "node:crypto";
import { casesSection } from "./html/cases.ts";
import { findingsSection } from "./html/finding.ts";
import { html, raw } from "./html/markup.ts";
import { matrix } from "./html/matrix.ts";
import { header, legend, overview, untested } from "./html/overview.ts";
import { script } from "./html/script.ts";
import { style } from "./html/style.ts";
import { anchorsOf } from "./html/words.ts";
import type { RunReport } from "./run-report.ts";

/**
 * The run as one page for people: it loads nothing, works without its script, and all that comes from a target is
 * escaped. Should an escape ever fail, the policy in its head lets nothing run but the script written here.
 */
export function runToHtml(report: RunReport): string {
  const anchors = anchorsOf(report.cases);
  const policy = [
    "default-src 'none'",
    `style-src '${sourceHash(style)}'`,
    `script-src '${sourceHash(script)}'`,
    "img-src data:",
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ");
  const names = report.targets.map(({ name }) => name).join(", ");
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${raw(policy)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<meta name="generator" content="${report.tool.name} ${report.tool.version}">
<title>${names === "" ? "" : `${names}: `}man-in-the-middle test report</title>
<link rel="icon" href="data:,">
<style>${raw(style)}</style>
</head>
<body>
<main>
${header(report)}
<nav aria-label="Sections"><a href="#summary">Summary</a> <a href="#findings">Findings</a> <a href="#untested">Not tested</a> <a href="#clauses">Clauses</a> <a href="#cases">All cases</a> <a href="#legend">How to read this</a></nav>
${overview(report)}
${findingsSection(report, anchors)}
${untested(report)}
${matrix(report, anchors)}
${casesSection(report, anchors)}
${legend(report)}
</main>
<script>${raw(script)}</script>
</body>
</html>
`;
  return page.toString();
}

/** Names the one text that a policy lets through (Content Security Policy Level 3, "hash-source"). */
function sourceHash(text: string): string {
  return `sha256-${hash("sha256", text, "base64")}`;
}
