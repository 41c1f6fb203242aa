import type { Severity, Side, Transport } from "../../../mitm/attack.ts";
import type { Actor, Step } from "../../../mitm/record/recorder.ts";
import { type CaseReport, type RunReport, summarise, type Verdict } from "../../../mitm/report/run-report.ts";

/** Letters that do harm where they are not escaped: markup, an escape sequence, a right-to-left override. */
export const hostileText = `<img src=x onerror="alert(1)">'&\u001b[31mred\u202e]]>`;

/** A case of a run, held unless said otherwise. */
export function sampleCase(over: Partial<CaseReport> = {}): CaseReport {
  const { id = "G-CERT-05/tls", side = "gateway", transport = "tls" } = over;
  return {
    id,
    attack: id.split("/")[0] ?? id,
    title: "an expired certificate",
    side,
    transport,
    severity: "high",
    weakness: {
      name: "ignores-expiry",
      what: "The validity period of a certificate is not checked.",
      remedy:
        "Compare notBefore and notAfter of each certificate of the path with a clock that cannot be set from outside.",
    },
    reference: {
      rfc: ["RFC 5280 §4.1.2.5", "RFC 5280 §6.1.3"],
      cwe: [298],
      en303645: ["5.5-1", "5.5-4"],
      cra: ["I(2)(d)"],
    },
    verdict: "held",
    how: "alert certificate_expired",
    control: { ok: true, how: "CONNACK 0", ms: 14 },
    delivery: "sent on a connection on which the target said ServerHello",
    refusedAt: "CertificateVerify",
    alert: "certificate_expired",
    next: "closed",
    leakedBytes: 0,
    durationMs: 23,
    steps: tls13(side, "Alert certificate_expired"),
    replay: `sallyport mitm ${side} 127.0.0.1:8883 --case ${id} --seed 7f3a9c`,
    files: [`transcripts/${id.replace("/", "-")}.txt`],
    ...over,
  };
}

/** A TLS 1.3 handshake in which the lab shows the wrong certificate, and how it ended. */
function tls13(side: Side, ending: string, more: readonly Partial<Step>[] = []): Step[] {
  const [client, server]: readonly [Actor, Actor] =
    side === "gateway" ? ["lab", "gateway"] : side === "device" ? ["device", "lab"] : ["device", "gateway"];
  const steps: (Partial<Step> & { readonly what: string })[] = [
    { what: "ClientHello", bytes: 517 },
    { from: server, to: client, what: "ServerHello", bytes: 122 },
    { from: server, to: client, what: "EncryptedExtensions", bytes: 10 },
    { from: server, to: client, what: "CertificateRequest", bytes: 63 },
    { from: server, to: client, what: "Certificate", bytes: 911, ...(client !== "lab" && { attack: true }) },
    { from: server, to: client, what: "CertificateVerify", bytes: 79 },
    { from: server, to: client, what: "Finished", bytes: 36 },
    { what: "Certificate", bytes: 904, ...(client === "lab" && { attack: true, note: "expired yesterday" }) },
    { what: "CertificateVerify", bytes: 79 },
    { what: "Finished", bytes: 36 },
    { from: server, to: client, what: ending, bytes: 24 },
    ...more.map((step) => ({ what: "application data", ...step })),
    { from: server, to: client, what: "closed" },
  ];
  return steps.map((step, index) => ({
    atMs: 1.7 * index + 0.4,
    connection: 1,
    from: client,
    to: server,
    ...step,
  }));
}

const rows: readonly [
  string,
  string,
  string,
  Side,
  readonly Transport[],
  Severity,
  readonly string[],
  readonly number[],
][] = [
  [
    "D-CERT-01",
    "a chain of a rogue root with the same name",
    "chain-not-verified",
    "device",
    ["tls", "dtls"],
    "critical",
    ["RFC 5280 §6.1"],
    [296],
  ],
  [
    "D-CERT-03",
    "a copy of the real chain with another key",
    "chain-not-verified",
    "device",
    ["tls", "dtls"],
    "critical",
    ["RFC 5280 §6.1.3"],
    [347],
  ],
  [
    "D-CERT-04",
    "an expired certificate of the gateway",
    "ignores-expiry",
    "device",
    ["tls", "dtls"],
    "high",
    ["RFC 5280 §4.1.2.5"],
    [298],
  ],
  [
    "D-CERT-07",
    "a valid certificate for another host name",
    "ignores-host-name",
    "device",
    ["tls", "dtls"],
    "critical",
    ["RFC 9525 §6"],
    [297],
  ],
  [
    "G-CERT-01",
    "no certificate",
    "no-client-certificate",
    "gateway",
    ["tls", "dtls"],
    "critical",
    ["RFC 8446 §4.4.2.4"],
    [306],
  ],
  [
    "G-CERT-05",
    "an expired certificate",
    "ignores-expiry",
    "gateway",
    ["tls", "dtls"],
    "high",
    ["RFC 5280 §4.1.2.5"],
    [298],
  ],
  [
    "G-CERT-07",
    "a revoked certificate",
    "ignores-revocation",
    "gateway",
    ["tls", "dtls"],
    "high",
    ["RFC 5280 §6.3"],
    [299],
  ],
  [
    "G-CERT-11",
    "a CertificateVerify signed with another key",
    "proof-not-verified",
    "gateway",
    ["tls", "dtls"],
    "critical",
    ["RFC 8446 §4.4.3", "RFC 5246 §7.4.8"],
    [347],
  ],
  [
    "M-01",
    "a publish to the topic of another device",
    "foreign-topic",
    "gateway",
    ["tls"],
    "high",
    ["MQTT 3.1.1 §5.4.2"],
    [862],
  ],
  [
    "P-13",
    "an MQTT CONNECT in early data",
    "early-data-accepted",
    "gateway",
    ["tls"],
    "medium",
    ["RFC 8446 §8"],
    [294],
  ],
  [
    "U-01",
    "a ClientHello without a cookie",
    "no-cookie",
    "gateway",
    ["dtls"],
    "medium",
    ["RFC 6347 §4.2.1"],
    [406],
  ],
  [
    "U-07",
    "a record that is replayed",
    "replay-accepted",
    "pair",
    ["dtls"],
    "high",
    ["RFC 6347 §4.1.2.6"],
    [294],
  ],
  [
    "P-17",
    "a record that is altered on the way",
    "record-mac-not-verified",
    "pair",
    ["tls"],
    "critical",
    ["RFC 8446 §5.2"],
    [354],
  ],
];

/** The cases of a small catalogue, all held. */
function sampleCases(): CaseReport[] {
  return rows.flatMap(([attack, title, weakness, side, transports, severity, rfc, cwe]) =>
    transports.map((transport) =>
      sampleCase({
        id: `${attack}/${transport}`,
        title,
        side,
        transport,
        severity,
        weakness: {
          name: weakness,
          what: `What "${weakness}" names is not checked.`,
          remedy: "Check it, and refuse.",
        },
        reference: { rfc, cwe, en303645: ["5.5-1"], cra: [side === "pair" ? "I(2)(f)" : "I(2)(d)"] },
        steps: tls13(side, "Alert bad_certificate"),
        alert: "bad_certificate",
        how: "alert bad_certificate",
      }),
    ),
  );
}

export function sampleRun(over: Partial<RunReport> = {}): RunReport {
  const { cases = sampleCases() } = over;
  return {
    schema: "sallyport-mitm/1",
    tool: { name: "sallyport mitm", version: "0.1.0" },
    startedAt: "2026-11-25T09:30:12.345Z",
    durationMs: 41_730,
    seed: "7f3a9c",
    command: "sallyport mitm gateway 127.0.0.1:8883 --seed 7f3a9c",
    targets: [
      {
        side: "gateway",
        name: "Sallyport gateway",
        endpoints: ["127.0.0.1:8883 (MQTT over TLS)", "127.0.0.1:5684 (echo over DTLS)"],
      },
      { side: "device", name: "Sallyport device client", endpoints: ["waited on 127.0.0.1:41233"] },
      { side: "pair", name: "device client and gateway", endpoints: ["relayed at 127.0.0.1:41301"] },
    ],
    cases,
    summary: summarise(cases),
    killRate: { detected: 143, total: 143, missed: [] },
    notes: [],
    ...over,
  };
}

/** A run of a weak target: each verdict occurs, texts of the target are hostile, and one exchange is long. */
export function brokenRun(): RunReport {
  const verdicts = new Map<string, Partial<CaseReport> & { readonly verdict: Verdict }>([
    [
      "G-CERT-05/tls",
      {
        verdict: "broken",
        how: "CONNACK 0 for a certificate that expired yesterday",
        next: "went on",
        leakedBytes: 4,
        steps: tls13("gateway", "NewSessionTicket", [
          { what: "application data (MQTT CONNECT)", bytes: 31, attack: true },
          { from: "gateway", to: "lab", what: "application data (MQTT CONNACK 0)", bytes: 4 },
        ]),
      },
    ],
    [
      "D-CERT-07/tls",
      {
        verdict: "broken",
        how: "the device said its CONNECT to a gateway of another name",
        next: "went on",
        leakedBytes: 212,
        steps: tls13("device", "application data (MQTT CONNECT)"),
      },
    ],
    [
      "M-01/tls",
      {
        verdict: "broken",
        how: `the message reached the other device; the target's log: ${hostileText}`,
        leakedBytes: 0,
        steps: longExchange(),
      },
    ],
    [
      "U-07/dtls",
      { verdict: "broken", how: "the gateway's application got the same message twice", steps: relayed() },
    ],
    [
      "D-CERT-03/dtls",
      {
        verdict: "not delivered",
        how: "nothing shows that the attack arrived (silent for 1000 ms)",
        delivery: undefined,
      },
    ],
    [
      "G-CERT-07/dtls",
      {
        verdict: "inconclusive",
        how: "the valid twin did not get through: no answer for 1000 ms",
        control: { ok: false, how: "no answer for 1000 ms", ms: 1002 },
        steps: [],
      },
    ],
    [
      "P-13/tls",
      {
        verdict: "not applicable",
        how: "the target gives no ticket that allows early data",
        steps: [],
        delivery: undefined,
      },
    ],
    [
      "U-01/dtls",
      {
        verdict: "not applicable",
        how: "the target asks for no cookie on loopback",
        steps: [],
        delivery: undefined,
      },
    ],
  ]);
  const cases = sampleCases().map((one): CaseReport => {
    const other = verdicts.get(one.id);
    return other === undefined ? one : { ...one, refusedAt: undefined, alert: undefined, ...other };
  });
  return sampleRun({
    cases,
    summary: summarise(cases),
    targets: [
      {
        side: "gateway",
        name: "a broker of the user",
        endpoints: ["gateway.plant-7.example.internal:8883 (MQTT over TLS)"],
      },
      { side: "device", name: "pump controller, revision 4", endpoints: ["waited on 127.0.0.1:41233"] },
      { side: "pair", name: "pump controller and broker", endpoints: ["relayed at 127.0.0.1:41301"] },
    ],
    killRate: { detected: 142, total: 143, missed: ["U-33b/dtls"] },
    notes: ["no second device was given: 9 cases do not apply", `the target says of itself: ${hostileText}`],
  });
}

/** A run that ended before its cases had all been tried. */
export function interruptedRun(): RunReport {
  const cases = sampleCases().map(
    (one, index): CaseReport =>
      index < 8
        ? one
        : {
            ...one,
            verdict: "inconclusive",
            how: "not tried: interrupted",
            control: { ok: false, how: "not tried", ms: 0 },
            steps: [],
            durationMs: 0,
            delivery: undefined,
            refusedAt: undefined,
            alert: undefined,
            next: undefined,
          },
  );
  return sampleRun({ cases, summary: summarise(cases), interrupted: "SIGINT after 8 of 22 cases" });
}

function longExchange(): Step[] {
  const steps = tls13("gateway", "NewSessionTicket");
  for (let index = 0; index < 140; index += 1) {
    steps.push({
      atMs: 40 + index,
      connection: 2,
      from: "lab",
      to: "gateway",
      what: `application data (MQTT PUBLISH ${"devices/victim/commands/".repeat(3)}${index})`,
      bytes: 90,
      ...(index === 99 && { attack: true, note: hostileText }),
    });
  }
  return steps;
}

function relayed(): Step[] {
  const step = (atMs: number, from: Actor, to: Actor, what: string, more: Partial<Step> = {}): Step => ({
    atMs,
    connection: from === "device" || to === "device" ? 1 : 2,
    from,
    to,
    what,
    ...more,
  });
  return [
    step(0, "device", "lab", "handshake records, 4 flights", { bytes: 2210 }),
    step(1, "lab", "gateway", "handshake records, 4 flights", { bytes: 2210 }),
    step(30, "device", "lab", "application data", { bytes: 61 }),
    step(30.2, "lab", "gateway", "application data", { bytes: 61 }),
    step(80, "lab", "gateway", "application data", {
      bytes: 61,
      attack: true,
      note: "the same record again",
    }),
    step(82, "gateway", "lab", "application data", { bytes: 61 }),
    step(82.1, "lab", "device", "application data", { bytes: 61 }),
  ];
}
