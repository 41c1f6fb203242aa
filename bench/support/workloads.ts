import type { Qos } from "./mqtt-packets.ts";

/** What one measurement does; the same data drives the generator, the table and the command line. */
export type Workload =
  | { readonly kind: "connect"; readonly resume: boolean; readonly hybrid: boolean }
  | { readonly kind: "fan-in"; readonly qos: Qos; readonly outstanding: number; readonly durable: boolean }
  | { readonly kind: "fan-out"; readonly qos: Qos; readonly outstanding: number }
  | { readonly kind: "paced"; readonly qos: Qos; readonly perSecond: number }
  | { readonly kind: "idle" };

/** Publishers of a fan-in, subscribers of a fan-out, devices in the PKI. */
export const peers = 50;
/** Bytes of payload in every message. */
export const payloadBytes = 100;
/** Connection attempts under way at once: enough to keep a broker busy, few enough that none times out. */
export const connectConcurrency = 16;

export const workloadNames = [
  "connect",
  "connect-hybrid",
  "connect-resumed",
  "fan-in-qos0",
  "fan-in-qos1",
  "fan-in-single-qos0",
  "fan-in-single-qos1",
  "fan-out-qos0",
  "fan-out-qos1",
  "paced-qos0",
  "paced-qos1",
  "durable-qos1",
  "idle",
] as const;
export type WorkloadName = (typeof workloadNames)[number];

interface Named {
  readonly title: string;
  readonly unit: string;
  readonly workload: Workload;
}

export const workloads: Readonly<Record<WorkloadName, Named>> = {
  connect: named("connect, full handshake (X25519)", "connect", {
    kind: "connect",
    resume: false,
    hybrid: false,
  }),
  "connect-hybrid": named("connect, full handshake (client offers X25519MLKEM768)", "connect", {
    kind: "connect",
    resume: false,
    hybrid: true,
  }),
  "connect-resumed": named("connect, resumed (one ticket reused)", "connect", {
    kind: "connect",
    resume: true,
    hybrid: false,
  }),
  "fan-in-qos0": named("50 to 1, QoS 0, 1000 outstanding", "message", fanIn(0, 1000)),
  "fan-in-qos1": named("50 to 1, QoS 1, 1000 outstanding", "message", fanIn(1, 1000)),
  "fan-in-single-qos0": named("50 to 1, QoS 0, 1 outstanding each", "message", fanIn(0, peers)),
  "fan-in-single-qos1": named("50 to 1, QoS 1, 1 outstanding each", "message", fanIn(1, peers)),
  "fan-out-qos0": named("1 to 50, QoS 0", "delivery", { kind: "fan-out", qos: 0, outstanding: 1000 }),
  "fan-out-qos1": named("1 to 50, QoS 1", "delivery", { kind: "fan-out", qos: 1, outstanding: 1000 }),
  "paced-qos0": named("1,000 messages a second, QoS 0", "message", {
    kind: "paced",
    qos: 0,
    perSecond: 1000,
  }),
  "paced-qos1": named("1,000 messages a second, QoS 1", "message", {
    kind: "paced",
    qos: 1,
    perSecond: 1000,
  }),
  "durable-qos1": named("50 to 1, QoS 1, subscriber with a kept session", "message", {
    ...fanIn(1, 1000),
    durable: true,
  }),
  idle: named("memory per idle connection", "connection", { kind: "idle" }),
};

function named(title: string, unit: string, workload: Workload): Named {
  return { title, unit, workload };
}

function fanIn(qos: Qos, outstanding: number): Extract<Workload, { kind: "fan-in" }> {
  return { kind: "fan-in", qos, outstanding, durable: false };
}
