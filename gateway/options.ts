import type { Certificate, CertificateList } from "../pki/index.ts";
import { Access, type AccessPolicy } from "./access.ts";
import { GatewayError } from "./errors.ts";
import type { DeviceRegistry } from "./identity.ts";
import { type Limits, readLimits } from "./limits.ts";

export interface GatewayOptions {
  /** Address to listen on; default 127.0.0.1. */
  readonly host?: string;
  /** Default 8883; 0 takes any free port. */
  readonly mqttPort?: number;
  /**
   * The UDP port for DTLS; 0 takes any free port; left out, there is no DTLS. "if-free": 5684 unless another program
   * has it or the gateway's key is of a kind that DTLS 1.2 does not know; the event "warning" says that it stays off.
   */
  readonly dtlsPort?: number | "if-free";
  /**
   * Lets DTLS clients in that do not do extended master secret (RFC 7627), such as very old stacks. Without it a
   * resumed session is not bound to the handshake that it comes from.
   */
  readonly dangerouslyAllowMissingExtendedMasterSecret?: boolean;
  /** The gateway's own key and certificate chain, PEM. */
  readonly identity: { readonly key: string; readonly certificateChain: string };
  /** Whom client certificates must descend from. */
  readonly anchors: readonly Certificate[];
  /** CAs below the anchors, for clients that do not send them and for resumed sessions, which never do. */
  readonly intermediates?: readonly Certificate[];
  /** Consulted beside the registry. */
  readonly crls?: readonly CertificateList[];
  /** Devices and their certificates: what it does not know is refused. The inventory of pki/ fits. */
  readonly registry: DeviceRegistry;
  /** Whose certificates are taken; default those of any trust domain that the registry knows. */
  readonly trustDomain?: string;
  readonly access?: AccessPolicy;
  /** Holds broker.sqlite: persistent sessions, retained messages, wills; and over a restart the live DTLS sessions. Without it they last as long as the process. */
  readonly stateDirectory?: string;
  readonly limits?: Partial<Limits>;
  /** For tests; default the system's clock. */
  readonly now?: () => Date;
}

/** What `reload` may replace; what is left out stays. */
export type Reloadable = Partial<
  Pick<GatewayOptions, "identity" | "anchors" | "intermediates" | "crls" | "access">
>;

/** Options with their defaults in place. */
export interface GatewaySettings {
  readonly host: string;
  readonly mqttPort: number;
  readonly dtlsPort: number | "if-free" | undefined;
  readonly dangerouslyAllowMissingExtendedMasterSecret: boolean;
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
  "dtlsPort",
  "dangerouslyAllowMissingExtendedMasterSecret",
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
  const { identity, anchors, registry, mqttPort = 8883, dtlsPort, host = "127.0.0.1" } = options;
  if (typeof identity?.key !== "string" || typeof identity.certificateChain !== "string") {
    throw invalid("identity needs key and certificateChain, both PEM");
  }
  // Without an anchor nobody could be let in; more likely a file was not read.
  if (!Array.isArray(anchors) || anchors.length === 0)
    throw invalid("anchors needs at least one certificate");
  if (typeof registry?.certificate !== "function") throw invalid("registry is missing");
  if (!isPort(mqttPort)) throw invalid("mqttPort must be a whole number from 0 to 65535");
  if (dtlsPort !== undefined && dtlsPort !== "if-free" && !isPort(dtlsPort)) {
    throw invalid('dtlsPort must be a whole number from 0 to 65535, or "if-free"');
  }
  const { dangerouslyAllowMissingExtendedMasterSecret = false } = options;
  if (typeof dangerouslyAllowMissingExtendedMasterSecret !== "boolean") {
    throw invalid("dangerouslyAllowMissingExtendedMasterSecret must be true or false");
  }
  const limits = readLimits(options.limits);
  return {
    host,
    mqttPort,
    dtlsPort,
    dangerouslyAllowMissingExtendedMasterSecret,
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

function isPort(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= 65_535;
}

function invalid(message: string): GatewayError {
  return new GatewayError("GATEWAY_OPTIONS_INVALID", message);
}
