/** What one measurement does; the same data drives the runner, the table and the command line. */
type Workload =
  | { readonly kind: "full" | "resumed"; readonly concurrency: number; readonly clients: number }
  | { readonly kind: "echo"; readonly associations: number; readonly outstanding: number }
  | { readonly kind: "idle" };

export const workloadNames = ["full", "full-known", "resumed", "echo", "echo-single", "idle"] as const;
export type WorkloadName = (typeof workloadNames)[number];

interface Named {
  readonly title: string;
  readonly workload: Workload;
}

/** Handshakes under way at once: enough to keep the server busy, few enough that none times out. */
export const handshakeConcurrency = 8;

/** More of them than our server remembers certificates of. */
export const allClients = 5_000;

export const workloads: Readonly<Record<WorkloadName, Named>> = {
  full: {
    title: "full handshake, clients not seen lately",
    workload: { kind: "full", concurrency: handshakeConcurrency, clients: allClients },
  },
  "full-known": {
    title: "full handshake, 100 clients again and again",
    workload: { kind: "full", concurrency: handshakeConcurrency, clients: 100 },
  },
  resumed: {
    title: "resumed handshake (one ticket reused)",
    workload: { kind: "resumed", concurrency: handshakeConcurrency, clients: 1 },
  },
  echo: {
    title: "100-byte echo, 32 associations, 128 outstanding",
    workload: { kind: "echo", associations: 32, outstanding: 128 },
  },
  "echo-single": {
    title: "100-byte echo, 1 outstanding",
    workload: { kind: "echo", associations: 1, outstanding: 1 },
  },
  idle: { title: "resident memory per idle association", workload: { kind: "idle" } },
};

/**
 * What we want of ours against OpenSSL 3.5, as a ratio; by the major version of Node that runs it. Memory is no ratio
 * but kilobytes.
 */
export interface Aim {
  readonly ratio?: number;
  readonly kilobytes?: number;
}

export function aimFor(name: WorkloadName, nodeMajor: number, opensslVersion: string): Aim | undefined {
  const [major = 0, minor = 0] = opensslVersion.split(".").map(Number);
  // OpenSSL 3.0 needs about twice the time of 3.5 for a handshake.
  const share = opensslVersion === "" || major > 3 || (major === 3 && minor >= 5) ? 1 : 0.5;
  switch (name) {
    case "full":
    case "full-known":
      return { ratio: (nodeMajor >= 26 ? 0.85 : 1) * share };
    case "resumed":
      return { ratio: 0.7 * share };
    case "echo":
      return { ratio: 2.5 };
    case "idle":
      return { kilobytes: 8 };
    case "echo-single":
      return undefined;
  }
}
