import type { ConnectOptions } from "./options.ts";
import { DeviceSession } from "./session.ts";

/**
 * Connects to the gateway and resolves once it has accepted this device (CONNACK; a finished TLS 1.3 handshake
 * alone does not say so). From then on the session reconnects by itself until `close()`.
 *
 * The gateway is verified before a byte of MQTT is sent: RFC 5280 path to the identity's anchors for serverAuth, its
 * name in subjectAltName (RFC 9525), its time, and the pins where given. A failure of the first attempt rejects:
 *
 * - DEVICE_UNREACHABLE, DEVICE_TIMEOUT: the network;
 * - DEVICE_TLS_FAILED, DEVICE_GATEWAY_UNTRUSTED (`cause` has the rule), DEVICE_GATEWAY_NAME_MISMATCH,
 *   DEVICE_PIN_MISMATCH: this device refused the gateway;
 * - DEVICE_REFUSED: the gateway refused this device;
 * - TypeError, RangeError: the options.
 *
 * A device that must start without its gateway uses `openSession`.
 */
export async function connect(options: ConnectOptions): Promise<DeviceSession> {
  const session = new DeviceSession(options);
  try {
    await new Promise<void>((resolve, reject) => {
      session.once("connected", () => resolve());
      session.once("reconnecting", ({ reason }) => reject(reason));
    });
    return session;
  } catch (error) {
    await session.close();
    throw error;
  }
}

/**
 * A session that may begin offline: it is returned at once, queues what is published and subscribed, and connects in
 * the background, retrying until `close()`. Listen to `refused` and `reconnecting` for what goes wrong.
 */
export function openSession(options: ConnectOptions): DeviceSession {
  return new DeviceSession(options);
}
