import type { Reference } from "../attack.ts";

/** A place where a rule stands, for people and for links. */
export interface Clause {
  /** "RFC 5280 §6.1.3", "CWE-295", "5.5-1", "I(2)(d)". */
  readonly name: string;
  /** What it says, in a few words; empty where the name says enough. */
  readonly text: string;
  readonly url?: string | undefined;
}

export type ClauseSource = "rfc" | "cwe" | "en303645" | "cra" | "also";

/** In the order of the report. */
export const clauseSources: Readonly<Record<ClauseSource, string>> = {
  rfc: "RFCs and other standards",
  cwe: "Common Weakness Enumeration",
  en303645: "ETSI EN 303 645",
  cra: "Cyber Resilience Act, Annex I",
  also: "See also",
};

/** The clauses of a case from one source. */
export function clausesOf(reference: Reference, source: ClauseSource): readonly Clause[] {
  switch (source) {
    case "rfc":
      return reference.rfc.map((name) => ({ name, text: "", url: rfcUrl(name) ?? mqttUrl(name) }));
    case "cwe":
      return reference.cwe.map(cwe);
    case "en303645":
      return (reference.en303645 ?? []).map((name) => ({ name, text: textOf(provisions, name) }));
    case "cra":
      return (reference.cra ?? []).map((name) => ({ name, text: textOf(essentialRequirements, name) }));
    case "also":
      return (reference.also ?? []).map((name) => ({ name, text: "", url: cveUrl(name) }));
  }
}

export function cwe(id: number): Clause {
  return {
    name: `CWE-${id}`,
    text: cweNames[id] ?? "",
    url: Number.isSafeInteger(id) ? `https://cwe.mitre.org/data/definitions/${id}.html` : undefined,
  };
}

/** Empty where the table has no such clause: a name may be anything, "__proto__" too. */
function textOf(table: Readonly<Record<string, string>>, name: string): string {
  return Object.hasOwn(table, name) ? (table[name] ?? "") : "";
}

/** "RFC 5280 §6.1.3" is a page and a place on it. */
export function rfcUrl(name: string): string | undefined {
  const found = /^RFC (\d{1,5})(?: §([\d.]{1,20}\d|[A-Z]\.[\d.]{0,20}\d|\d|[A-Z])\b)?/.exec(name);
  if (found === null) return undefined;
  const [, number, section] = found;
  const anchor =
    section === undefined ? "" : /^[A-Z]/.test(section) ? `#appendix-${section}` : `#section-${section}`;
  return `https://www.rfc-editor.org/rfc/rfc${number}${anchor}`;
}

/** The standards of MQTT have no places on their pages that can be named by clause. */
function mqttUrl(name: string): string | undefined {
  const version = /^MQTT (3\.1\.1|5)(?:\.0)? /.exec(name)?.[1];
  if (version === undefined) return undefined;
  const edition = version === "5" ? "v5.0" : "v3.1.1";
  return `https://docs.oasis-open.org/mqtt/mqtt/${edition}/os/mqtt-${edition}-os.html`;
}

function cveUrl(name: string): string | undefined {
  return /^CVE-\d{4}-\d{4,7}$/.test(name) ? `https://www.cve.org/CVERecord?id=${name}` : undefined;
}

/** Names of the enumeration's entries. */
const cweNames: Readonly<Record<number, string>> = {
  20: "Improper Input Validation",
  22: "Improper Limitation of a Pathname to a Restricted Directory ('Path Traversal')",
  41: "Improper Resolution of Path Equivalence",
  74: "Improper Neutralization of Special Elements in Output Used by a Downstream Component ('Injection')",
  119: "Improper Restriction of Operations within the Bounds of a Memory Buffer",
  125: "Out-of-bounds Read",
  130: "Improper Handling of Length Parameter Inconsistency",
  155: "Improper Neutralization of Wildcards or Matching Symbols",
  158: "Improper Neutralization of Null Byte or NUL Character",
  162: "Improper Neutralization of Trailing Special Elements",
  176: "Improper Handling of Unicode Encoding",
  177: "Improper Handling of URL Encoding (Hex Encoding)",
  178: "Improper Handling of Case Sensitivity",
  180: "Incorrect Behavior Order: Validate Before Canonicalize",
  200: "Exposure of Sensitive Information to an Unauthorized Actor",
  203: "Observable Discrepancy",
  204: "Observable Response Discrepancy",
  208: "Observable Timing Discrepancy",
  269: "Improper Privilege Management",
  284: "Improper Access Control",
  285: "Improper Authorization",
  287: "Improper Authentication",
  288: "Authentication Bypass Using an Alternate Path or Channel",
  290: "Authentication Bypass by Spoofing",
  294: "Authentication Bypass by Capture-replay",
  295: "Improper Certificate Validation",
  296: "Improper Following of a Certificate's Chain of Trust",
  297: "Improper Validation of Certificate with Host Mismatch",
  298: "Improper Validation of Certificate Expiration",
  299: "Improper Check for Certificate Revocation",
  300: "Channel Accessible by Non-Endpoint",
  304: "Missing Critical Step in Authentication",
  306: "Missing Authentication for Critical Function",
  311: "Missing Encryption of Sensitive Data",
  319: "Cleartext Transmission of Sensitive Information",
  322: "Key Exchange without Entity Authentication",
  323: "Reusing a Nonce, Key Pair in Encryption",
  324: "Use of a Key Past its Expiration Date",
  325: "Missing Cryptographic Step",
  326: "Inadequate Encryption Strength",
  327: "Use of a Broken or Risky Cryptographic Algorithm",
  328: "Use of Weak Hash",
  330: "Use of Insufficiently Random Values",
  340: "Generation of Predictable Numbers or Identifiers",
  345: "Insufficient Verification of Data Authenticity",
  346: "Origin Validation Error",
  347: "Improper Verification of Cryptographic Signature",
  349: "Acceptance of Extraneous Untrusted Data With Trusted Data",
  353: "Missing Support for Integrity Check",
  354: "Improper Validation of Integrity Check Value",
  358: "Improperly Implemented Security Check for Standard",
  362: "Concurrent Execution using Shared Resource with Improper Synchronization ('Race Condition')",
  372: "Incomplete Internal State Distinction",
  384: "Session Fixation",
  400: "Uncontrolled Resource Consumption",
  404: "Improper Resource Shutdown or Release",
  405: "Asymmetric Resource Consumption (Amplification)",
  406: "Insufficient Control of Network Message Volume (Network Amplification)",
  407: "Inefficient Algorithmic Complexity",
  409: "Improper Handling of Highly Compressed Data (Data Amplification)",
  410: "Insufficient Resource Pool",
  436: "Interpretation Conflict",
  441: "Unintended Proxy or Intermediary ('Confused Deputy')",
  444: "Inconsistent Interpretation of HTTP Requests ('HTTP Request/Response Smuggling')",
  494: "Download of Code Without Integrity Check",
  521: "Weak Password Requirements",
  551: "Incorrect Behavior Order: Authorization Before Parsing and Canonicalization",
  593: "Authentication Bypass: OpenSSL CTX Object Modified after SSL Objects are Created",
  602: "Client-Side Enforcement of Server-Side Security",
  613: "Insufficient Session Expiration",
  626: "Null Byte Interaction Error (Poison Null Byte)",
  636: "Not Failing Securely ('Failing Open')",
  639: "Authorization Bypass Through User-Controlled Key",
  648: "Incorrect Use of Privileged APIs",
  662: "Improper Synchronization",
  664: "Improper Control of a Resource Through its Lifetime",
  668: "Exposure of Resource to Wrong Sphere",
  672: "Operation on a Resource after Expiration or Release",
  693: "Protection Mechanism Failure",
  694: "Use of Multiple Resources with Duplicate Identifier",
  696: "Incorrect Behavior Order",
  703: "Improper Check or Handling of Exceptional Conditions",
  732: "Incorrect Permission Assignment for Critical Resource",
  754: "Improper Check for Unusual or Exceptional Conditions",
  755: "Improper Handling of Exceptional Conditions",
  757: "Selection of Less-Secure Algorithm During Negotiation ('Algorithm Downgrade')",
  770: "Allocation of Resources Without Limits or Throttling",
  772: "Missing Release of Resource after Effective Lifetime",
  774: "Allocation of File Descriptors or Handles Without Limits or Throttling",
  779: "Logging of Excessive Data",
  787: "Out-of-bounds Write",
  789: "Memory Allocation with Excessive Size Value",
  799: "Improper Control of Interaction Frequency",
  807: "Reliance on Untrusted Inputs in a Security Decision",
  829: "Inclusion of Functionality from Untrusted Control Sphere",
  834: "Excessive Iteration",
  835: "Loop with Unreachable Exit Condition ('Infinite Loop')",
  841: "Improper Enforcement of Behavioral Workflow",
  862: "Missing Authorization",
  863: "Incorrect Authorization",
  918: "Server-Side Request Forgery (SSRF)",
  923: "Improper Restriction of Communication Channel to Intended Endpoints",
  924: "Improper Enforcement of Message Integrity During Transmission in a Communication Channel",
  940: "Improper Verification of Source of a Communication Channel",
  941: "Incorrectly Specified Destination in a Communication Channel",
  1188: "Initialization of a Resource with an Insecure Default",
  1284: "Improper Validation of Specified Quantity in Input",
  1286: "Improper Validation of Syntactic Correctness of Input",
  1287: "Improper Validation of Specified Type of Input",
  1391: "Use of Weak Credentials",
};

/** Provisions of EN 303 645 that a connection can show, in a few words. */
const provisions: Readonly<Record<string, string>> = {
  "5.1-3": "authentication uses best practice cryptography",
  "5.1-5": "brute force on authentication is impracticable",
  "5.3-2": "software can be updated securely",
  "5.4-1": "sensitive security parameters are stored securely",
  "5.5-1": "communicates with best practice cryptography",
  "5.5-2": "network functions and cryptography are reviewed or evaluated",
  "5.5-3": "cryptographic algorithms can be updated",
  "5.5-4": "functions are reached over the network only after authentication",
  "5.5-5": "configuration is changed over the network only after authentication",
  "5.5-6": "critical security parameters are encrypted in transit",
  "5.5-7": "confidentiality of critical security parameters on remote interfaces",
  "5.5-8": "critical security parameters are managed by secure processes",
  "5.6-1": "unused interfaces are disabled",
  "5.6-2": "little is disclosed without authentication",
  "5.6-5": "only needed services are enabled",
  "5.8-1": "personal data in transit is confidential",
  "5.8-2": "sensitive personal data in transit is confidential",
  "5.9-1": "resilient against outages of the network and power",
  "5.9-2": "stays operational when the network is lost, and recovers",
  "5.9-3": "connects in an orderly way, in an expected state",
  "5.10-1": "telemetry is examined for security anomalies",
  "5.13-1": "input from interfaces and networks is validated",
};

/** Annex I, Part I of Regulation (EU) 2024/2847, in a few words. */
const essentialRequirements: Readonly<Record<string, string>> = {
  "I(1)": "security appropriate to the risks",
  "I(2)(a)": "no known exploitable vulnerabilities",
  "I(2)(b)": "secure by default",
  "I(2)(c)": "vulnerabilities can be addressed by updates",
  "I(2)(d)": "protection from unauthorised access",
  "I(2)(e)": "confidentiality of data",
  "I(2)(f)": "integrity of data, commands, programs and configuration",
  "I(2)(g)": "only data that is needed",
  "I(2)(h)": "availability of essential functions, also under denial of service",
  "I(2)(i)": "little harm to the availability of others",
  "I(2)(j)": "limited attack surface",
  "I(2)(k)": "limited impact of incidents",
  "I(2)(l)": "recording of security-relevant activity",
  "I(2)(m)": "secure removal of data",
};
