/** The gateway: MQTT over mutual TLS. Whoever connects has a certificate that the inventory knows. */

export {
  Access,
  type AccessPolicy,
  type AccessRules,
  type AccessSubject,
  defaultAccess,
  type Rights,
} from "./access.ts";
export {
  GatewayError,
  type GatewayErrorCode,
  gatewayErrorCodes,
  type RefusalReason,
  refusalReasons,
} from "./errors.ts";
export type { GatewayEvent, SessionInfo } from "./events.ts";
export { type Gateway, startGateway } from "./gateway.ts";
export type { DeviceIdentity, DeviceRegistry, RegisteredCertificate, RegisteredDevice } from "./identity.ts";
export { defaultLimits, type Limits } from "./limits.ts";
export type { GatewayOptions, Reloadable } from "./options.ts";
