import { type RefusalReason, refusalReasons } from "./errors.ts";

/** What a peer speaks to the gateway: MQTT over TLS, or DTLS. */
export type Transport = "mqtt" | "dtls";

/** Who a session belongs to, as events tell it. */
export interface SessionInfo {
  readonly transport: Transport;
  readonly kind: "device" | "operator";
  readonly deviceId: string;
  /** MQTT's; empty over another transport. */
  readonly clientId: string;
  readonly group?: string;
  /** Lower-case hex SHA-256 of the certificate. */
  readonly fingerprint: string;
  readonly address: string;
  readonly since: Date;
  readonly certificateNotAfter: Date;
  /** The TLS or DTLS session was resumed; the certificate was checked again nevertheless. */
  readonly resumed: boolean;
}

/** What the gateway tells its owner; `type` discriminates. Nothing here holds a payload or key material. */
export type GatewayEvent =
  | {
      readonly type: "listening";
      readonly transport: Transport;
      readonly host: string;
      readonly port: number;
    }
  | {
      readonly type: "connection.refused";
      readonly transport: Transport;
      readonly reason: RefusalReason;
      readonly detail: string;
      readonly address: string;
      readonly deviceId?: string;
      readonly fingerprint?: string;
      readonly clientId?: string;
    }
  | { readonly type: "session.opened"; readonly session: SessionInfo }
  | { readonly type: "session.taken_over"; readonly session: SessionInfo; readonly byAddress: string }
  | {
      readonly type: "session.closed";
      readonly session: SessionInfo;
      readonly reason: RefusalReason;
      readonly detail: string;
    }
  /** A DTLS peer proved, by its connection id, that it goes on from another address; `session` has the new one. */
  | { readonly type: "session.moved"; readonly session: SessionInfo; readonly fromAddress: string }
  | {
      readonly type: "publish.refused";
      readonly reason: RefusalReason;
      readonly deviceId: string;
      readonly clientId: string;
      readonly topic: string;
      readonly will: boolean;
    }
  | {
      readonly type: "subscribe.refused";
      readonly reason: RefusalReason;
      readonly deviceId: string;
      readonly clientId: string;
      readonly filter: string;
    }
  | {
      readonly type: "message";
      readonly deviceId: string;
      readonly clientId: string;
      readonly topic: string;
      readonly bytes: number;
      readonly qos: 0 | 1 | 2;
      readonly retain: boolean;
    }
  | {
      readonly type: "device.purged";
      readonly deviceId: string;
      readonly reason: RefusalReason;
    }
  | { readonly type: "reloaded"; readonly sessionsKept: number; readonly sessionsClosed: number }
  | { readonly type: "warning"; readonly detail: string; readonly cause?: unknown }
  | { readonly type: "closed" };

export type EmitEvent = (event: GatewayEvent) => void;

/** What is known of a connection that was refused. */
export interface Refused {
  readonly transport: Transport;
  readonly address: string;
  readonly deviceId?: string | undefined;
  readonly fingerprint?: string | undefined;
  readonly clientId?: string | undefined;
}

/** The event of a refused connection; what a peer chose itself is cut to a length fit for a log. */
export function connectionRefused(reason: RefusalReason, detail: string, about: Refused): GatewayEvent {
  const { transport, address, deviceId, fingerprint, clientId } = about;
  return {
    type: "connection.refused",
    transport,
    reason,
    detail: detail === "" ? refusalReasons[reason] : detail.slice(0, 512),
    address,
    ...(deviceId === undefined ? {} : { deviceId }),
    ...(fingerprint === undefined ? {} : { fingerprint }),
    ...(clientId === undefined ? {} : { clientId: clientId.slice(0, 256) }),
  };
}
