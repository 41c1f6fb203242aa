/** What `connect` takes for every transport. */
export interface GatewayVerbOptions {
  readonly dir: string;
  readonly identity?: string;
  readonly gateway?: string;
  readonly serverName?: string;
  readonly pin?: readonly string[];
  readonly timeout: number;
}

/** What names the gateway to the device client. */
export function gatewayOf(options: { readonly gateway: string; readonly serverName?: string }) {
  const match = /^(.*?)(?::(\d+))?$/.exec(options.gateway);
  if (options.serverName === undefined) return options.gateway;
  const host = (match?.[1] ?? "").replace(/^\[(.*)\]$/, "$1");
  return { host, serverName: options.serverName, ...(match?.[2] && { port: Number(match[2]) }) };
}

/** What `work` resolves with, unless the signal comes first, whose reason is then thrown. */
export async function untilStopped<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  return await new Promise<T>((resolve, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    work.then(resolve, reject);
  });
}

/** What the device client's sessions have in common. */
interface Connecting {
  once(event: "connected", listener: () => void): unknown;
  once(event: "reconnecting", listener: (event: { readonly reason: Error }) => void): unknown;
}

/** Resolves when the session is connected; rejects with why the first attempt failed, or with the signal's reason. */
export function untilConnected(session: Connecting, signal: AbortSignal): Promise<void> {
  const connected = new Promise<void>((resolve, reject) => {
    session.once("connected", () => resolve());
    session.once("reconnecting", ({ reason }) => reject(reason));
  });
  return untilStopped(connected, signal);
}
