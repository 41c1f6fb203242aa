/**
 * Leaf certificates a second on one core, beside the raw rate of the signature that each one needs, measured in one
 * run by CPU time. Keys are made beforehand: a device brings its own,
 * as a SubjectPublicKeyInfo in its certificate request.
 *
 *     node bench/issue.ts [--json]
 */
import { sign } from "node:crypto";
import {
  Certificate,
  exportPublicKey,
  generatePrivateKey,
  importPublicKey,
  issueCertificate,
  KeySigner,
  Name,
  parseCertificate,
} from "../pki/index.ts";

const ROUNDS = 7;
const PER_ROUND = 4_000;

interface Rate {
  /** CPU microseconds for one operation: the median of the rounds. */
  readonly cpuMicroseconds: number;
  readonly perCoreSecond: number;
}

const now = new Date();
const rootSigner = new KeySigner(generatePrivateKey("p384"));
const issuingKey = generatePrivateKey("p256");
const issuingSigner = new KeySigner(issuingKey);
const root = parseCertificate(
  await issueCertificate(
    "root",
    { publicKey: rootSigner.publicKey, subject: Name.of({ O: "Bench", CN: "Bench Root" }), now },
    rootSigner,
  ),
);
const issuing = parseCertificate(
  await issueCertificate(
    "issuing",
    {
      publicKey: issuingSigner.publicKey,
      issuer: root,
      subject: Name.of({ O: "Bench", CN: "Bench Issuing" }),
      now,
    },
    rootSigner,
  ),
);
const deviceKeys = Array.from({ length: PER_ROUND }, () =>
  importPublicKey(exportPublicKey(new KeySigner(generatePrivateKey("p256")).publicKey)),
);
const sample = await issueDevice(0);
const tbs = parseCertificate(sample).tbs;

const signRounds: number[] = [];
const issueRounds: number[] = [];
const parseRounds: number[] = [];
// Interleaved, so that what disturbs the machine disturbs all of them.
for (let round = 0; round <= ROUNDS; round++) {
  const signing = await cpuMicrosecondsEach(() => sign("sha256", tbs, issuingKey));
  const issuingTime = await cpuMicrosecondsEach((i) => issueDevice(i));
  const parsing = await cpuMicrosecondsEach(() => Certificate.parse(sample));
  // The first round warms up.
  if (round === 0) continue;
  signRounds.push(signing);
  issueRounds.push(issuingTime);
  parseRounds.push(parsing);
}

const report = {
  node: process.version,
  certificateBytes: sample.length,
  rawSign: rate(signRounds),
  issue: rate(issueRounds),
  parse: rate(parseRounds),
  issueToSign: median(issueRounds) / median(signRounds),
};

if (process.argv.includes("--json")) {
  console.log(JSON.stringify(report));
} else {
  const line = (what: string, { cpuMicroseconds, perCoreSecond }: Rate): string =>
    `${what.padEnd(34)} ${cpuMicroseconds.toFixed(1).padStart(8)} µs CPU ${Math.round(perCoreSecond).toString().padStart(9)} /s/core`;
  console.log(`Node ${report.node}, one core by CPU time, median of ${ROUNDS} rounds of ${PER_ROUND}`);
  console.log(line("raw P-256 signature", report.rawSign));
  console.log(line(`device certificate (${sample.length} bytes)`, report.issue));
  console.log(line("reading it back", report.parse));
  console.log(`a certificate costs ${report.issueToSign.toFixed(2)} times its signature`);
}

function issueDevice(i: number): Promise<Uint8Array> {
  const publicKey = deviceKeys[i] ?? issuingSigner.publicKey;
  const identity = { trustDomain: "sallyport.internal", id: `device-${i}` };
  return issueCertificate("device", { publicKey, issuer: issuing, identity, now }, issuingSigner);
}

async function cpuMicrosecondsEach(operation: (i: number) => unknown): Promise<number> {
  const before = process.cpuUsage();
  for (let i = 0; i < PER_ROUND; i++) await operation(i);
  const used = process.cpuUsage(before);
  return (used.user + used.system) / PER_ROUND;
}

function rate(rounds: readonly number[]): Rate {
  const cpuMicroseconds = median(rounds);
  return { cpuMicroseconds, perCoreSecond: 1e6 / cpuMicroseconds };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
