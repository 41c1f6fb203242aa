import type { Finding } from "../attack.ts";
import type { DtlsServer, DtlsServerOptions } from "../dtls/server.ts";
import type { Credential, ScriptedEnd } from "../endpoint.ts";
import type { Forge } from "../mint/forge.ts";
import type { RawTcp } from "../path/raw-tcp.ts";
import type { RawUdp } from "../path/raw-udp.ts";
import type { DeviceTarget, DialOptions } from "../targets.ts";
import type { TlsServer, TlsServerOptions } from "../tls/server.ts";
import type { Entry, Lab } from "./lab.ts";

export interface ServeOptions {
  readonly tls?: Partial<TlsServerOptions>;
  readonly dtls?: Partial<DtlsServerOptions>;
  /** Names of the messages that are the attack. Default: Certificate, where the credential is not the valid one. */
  readonly marks?: readonly string[];
  /**
   * What the device gets to know from elsewhere before it dials. "by itself": it was told to keep trying before, so it
   * is only waited for, now and from here on.
   */
  readonly dial?: DialOptions | "by itself";
}

/** The lab against a device: the attacker stands in the gateway's place. */
export interface DeviceLab extends Lab {
  readonly target: DeviceTarget;
  /** What an honest gateway shows: the right names, the pinned key, a CA that the device trusts. */
  readonly gateway: Credential;
  /** Certificates of the CA that the device trusts, and of others. */
  readonly forge: Forge;

  /**
   * Waits for the device's next connection, makes a whole handshake with this credential, and tells whether the device
   * said application data: all of it counts as leaked.
   */
  serve(credential: Credential, options?: ServeOptions): Promise<Entry>;

  /** The device's next connection, nothing read or sent yet. `lab.transport` must be "tls". */
  acceptTls(options?: Partial<TlsServerOptions>): Promise<TlsServer>;
  /** As `acceptTls`, over DTLS. */
  acceptDtls(options?: Partial<DtlsServerOptions>): Promise<DtlsServer>;
  /** The device's next TCP connection, to answer with bytes of any kind. */
  acceptTcp(): Promise<RawTcp>;
  /** The UDP socket at which the device's datagrams arrive. */
  acceptUdp(): Promise<RawUdp>;

  /** Whether the device says application data on a finished handshake: waits for the first of it. */
  trusts(end: ScriptedEnd): Promise<Entry>;

  /** "held" for an entry that was refused, "broken" for one where the device said something. */
  judge(entry: Entry): Finding;
}
