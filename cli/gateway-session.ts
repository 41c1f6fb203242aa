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
