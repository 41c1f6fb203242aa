/**
 * The library a device uses: MQTT 3.1.1 over mutually authenticated TLS, or messages over DTLS 1.2, to a gateway that
 * proves itself first.
 *
 *     const identity = loadIdentity({ key: "d1.key.pem", certificate: "d1.cert.pem", ca: "ca.pem" });
 *     await using session = await connect({ identity, gateway: "gateway.example:8883", pins: ["sha256/…"] });
 *     session.on("message", ({ topic, payload }) => …);
 *     await session.subscribe("devices/d1/down/#", { qos: 1 });
 *     await session.publish("devices/d1/up/temperature", "21.5", { qos: 1 });
 *
 *     await using session = await connectDtls({ identity, gateway: "gateway.example:5684" });
 *     session.on("message", (data) => …);
 *     session.send("21.5");
 */

export { connect, openSession } from "./connect.ts";
export {
  connectDtls,
  connectPsk,
  type DtlsSession,
  openDtlsSession,
  openPskSession,
} from "./connect-dtls.ts";
export type { SessionState } from "./connection.ts";
export type { DatagramSession, DatagramSessionEvents, DatagramSessionListener } from "./datagram-session.ts";
export {
  type ConnectDtlsOptions,
  type ConnectPskOptions,
  type DatagramOptions,
  dtlsDefaults,
} from "./dtls-options.ts";
export { DeviceError, type DeviceErrorCode, type DeviceErrorOptions, deviceErrorCodes } from "./errors.ts";
export {
  type DeviceIdentity,
  type IdentityOptions,
  type IdentityParts,
  identityFromSigner,
} from "./identity.ts";
export {
  type IdentityFileOptions,
  type IdentityFiles,
  loadIdentity,
  replaceIdentityFiles,
} from "./identity-files.ts";
export type { Message } from "./mqtt-link.ts";
export type { QoS, QueueLimits } from "./offline-queue.ts";
export { type ConnectOptions, defaults, type Will } from "./options.ts";
export type { DeviceSession, PublishOptions } from "./session.ts";
export type { DeviceSessionEvents, DeviceSessionListener } from "./session-events.ts";
export type { StartTimer } from "./session-options.ts";
export type { Granted } from "./subscriptions.ts";
