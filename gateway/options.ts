import type { Certificate, CertificateList } from "../pki/index.ts";
import { Access } from "./access.ts";
import { GatewayError } from "./errors.ts";
import type { GatewayOptions } from "./gateway.ts";
import type { DeviceRegistry } from "./identity.ts";
import { type Limits, readLimits } from "./limits.ts";

/** Options with their defaults in place. */
export interface GatewaySettings {
  readonly host: string;
  readonly mqttPort: number;
  readonly identity: { readonly key: string; readonly certificateChain: string };
  readonly anchors: readonly Certificate[];
  readonly intermediates: readonly Certificate[];
  readonly crls: readonly CertificateList[];
  readonly registry: DeviceRegistry;
  readonly trustDomain: string | undefined;
  readonly access: Access;
  readonly stateDirectory: string | undefined;
  readonly limits: Limits;
  readonly now: () => Date;
}

const known: ReadonlySet<string> = new Set<keyof GatewayOptions>([
  "host",
  "mqttPort",
  "identity",
  "anchors",
  "intermediates",
  "crls",
  "registry",
  "trustDomain",
  "access",
  "stateDirectory",
  "limits",
  "now",
]);

/** @throws GatewayError GATEWAY_OPTIONS_INVALID or GATEWAY_ACCESS_INVALID, naming the option */
export function readOptions(options: Loose<GatewayOptions>): GatewaySettings {
  const odd = Object.keys(options).find((key) => !known.has(key));
  if (odd !== undefined) throw invalid(`"${odd}" is not an option of the gateway`);
  const { identity, anchors, registry, mqttPort = 8883, host = "127.0.0.1" } = options;
  if (typeof identity?.key !== "string" || typeof identity.certificateChain !== "string") {
    throw invalid("identity needs key and certificateChain, both PEM");
  }
  // Without an anchor nobody could be let in; more likely a file was not read.
  if (!Array.isArray(anchors) || anchors.length === 0)
    throw invalid("anchors needs at least one certificate");
  if (typeof registry?.certificate !== "function") throw invalid("registry is missing");
  if (!Number.isInteger(mqttPort) || mqttPort < 0 || mqttPort > 65_535) {
    throw invalid("mqttPort must be a whole number from 0 to 65535");
  }
  const limits = readLimits(options.limits);
  return {
    host,
    mqttPort,
    identity,
    anchors,
    intermediates: options.intermediates ?? [],
    crls: options.crls ?? [],
    registry,
    trustDomain: options.trustDomain,
    access: options.access instanceof Access ? options.access : new Access(options.access, limits),
    stateDirectory: options.stateDirectory,
    limits,
    now: options.now ?? (() => new Date()),
  };
}

/** Settings already read may be read again, with their absent parts spelled `undefined`. */
type Loose<T> = { readonly [K in keyof T]: T[K] | (K extends "access" ? Access : never) | undefined };

function invalid(message: string): GatewayError {
  return new GatewayError("GATEWAY_OPTIONS_INVALID", message);
}
