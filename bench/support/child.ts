import type { Server } from "node:net";

/** What a broker child is told (one JSON argument) and what it answers (its port, over IPC). */
export interface BrokerSettings {
  readonly key: string;
  readonly certificate: string;
  readonly ca: string;
  /** Directory of the PKI: the inventory lives there. */
  readonly pkiDirectory: string;
  /** Absent: keep sessions and messages in memory only. */
  readonly stateDirectory?: string;
}

export function brokerSettings(): BrokerSettings {
  const settings: BrokerSettings = JSON.parse(process.argv[2] ?? "{}");
  return settings;
}

/** The port a server listens on. */
export function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the server does not listen on TCP");
  return address.port;
}

/** Reports the port, then ends when told to or when the parent is gone; a normal exit writes the CPU profile. */
export function serveUntilStopped(port: number): void {
  process.on("disconnect", () => process.exit(0));
  process.on("message", (message) => {
    if (message === "stop") process.exit(0);
  });
  process.send?.({ port });
}
