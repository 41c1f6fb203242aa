import type { Finding } from "../attack.ts";
import type { DtlsClient, DtlsClientOptions } from "../dtls/client.ts";
import type { Credential, ScriptedEnd } from "../endpoint.ts";
import type { Forge } from "../mint/forge.ts";
import type { MqttPeer } from "../mqtt/peer.ts";
import type { RawTcp } from "../path/raw-tcp.ts";
import type { RawUdp } from "../path/raw-udp.ts";
import type { DeviceAccount, GatewayTarget } from "../targets.ts";
import type { TlsClient, TlsClientOptions } from "../tls/client.ts";
import type { Entry, Lab } from "./lab.ts";

export interface EnterOptions {
  /** Passed on to the TLS or DTLS client: a hook for its messages, suites, versions. */
  readonly tls?: Partial<TlsClientOptions>;
  readonly dtls?: Partial<DtlsClientOptions>;
  /** What CONNECT says; default the device id of the attacker. */
  readonly clientId?: string;
  /** Names of the messages that are the attack. Default: Certificate, where the credential is not the attacker's own. */
  readonly marks?: readonly string[];
}

/** The lab against a gateway: the attacker is a client. */
export interface GatewayLab extends Lab {
  readonly target: GatewayTarget;
  readonly attacker: DeviceAccount;
  /** @throws NotApplicable where the user gave no second device */
  readonly victim: DeviceAccount;
  /** Certificates of a CA that the target trusts, and of others. @throws NotApplicable where the lab has no such CA */
  readonly forge: Forge;
  /** For certificates of CAs that nobody trusts, which need none that the target does; there always is one. */
  strangers(): Promise<Forge>;

  /**
   * Dials, makes a whole handshake with this credential (undefined: no certificate), says hello in the application's
   * language, tells whether it was let in, and takes its leave. Application bytes of the target before a refusal count as
   * leaked.
   */
  enter(credential: Credential | undefined, options?: EnterOptions): Promise<Entry>;

  /** A connected scripted client that has sent nothing yet. `lab.transport` must be "tls". */
  tls(options?: Partial<TlsClientOptions>): Promise<TlsClient>;
  /** As `tls`, over DTLS. */
  dtls(options?: Partial<DtlsClientOptions>): Promise<DtlsClient>;
  /** A TCP connection (transport "tls") to write bytes of any kind to. */
  tcp(): Promise<RawTcp>;
  /** A UDP socket (transport "dtls") for datagrams of any kind. */
  udp(): Promise<RawUdp>;

  /** Whether the application takes this end as a peer: sends its hello and reads its answer. For a finished handshake. */
  hello(end: ScriptedEnd, clientId?: string): Promise<Entry>;
  /**
   * An MQTT session inside a good TLS session of this account (default: the attacker's), CONNECT not yet sent.
   * @throws NotApplicable where the target does not speak MQTT
   */
  mqtt(account?: DeviceAccount): Promise<MqttPeer>;

  /** "held" for an entry that was refused, "broken" for one that was admitted. */
  judge(entry: Entry): Finding;
}
