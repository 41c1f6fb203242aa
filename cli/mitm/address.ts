import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { type Address, Door, type Transport } from "../../mitm/index.ts";
import { CliError } from "../errors.ts";

/** "gw.example:8883", "192.0.2.1:8883", "[2001:db8::1]:8883". Throws CLI_USAGE. */
export function parseAddress(text: string, defaultPort: number): Address {
  const found = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d{1,5}))?$/.exec(text);
  const host = found?.[1] ?? found?.[2];
  const port = Number(found?.[3] ?? defaultPort);
  if (host === undefined || port < 1 || port > 65_535) {
    throw new CliError("CLI_USAGE", `HOST:PORT is wanted, not ${JSON.stringify(text)} ([…]:PORT for IPv6)`);
  }
  return { host, port };
}

/** Before several hundred cases each find it out. Throws CLI_ADDRESS. */
export async function assertResolves({ host }: Address): Promise<void> {
  try {
    await lookup(host);
  } catch (cause) {
    throw new CliError(
      "CLI_ADDRESS",
      `the host ${host} cannot be found: check the name, or give the address`,
      {
        cause,
      },
    );
  }
}

/** That a device can be waited for there. Throws MitmError MITM_ADDRESS. */
export async function assertFree(host: string, port: number, transport: Transport): Promise<void> {
  const ports = transport === "tls" ? { tcpPort: port } : { udpPort: port };
  const door = await Door.open({ host, transports: [transport], ...ports, arrivalMs: 0 });
  await door[Symbol.asyncDispose]();
}

/** Nobody else can reach it. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));
}
