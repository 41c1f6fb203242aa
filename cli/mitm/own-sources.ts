import { deviceSource, gatewaySource, pairSource, type Source } from "../../mitm/index.ts";
import { ownDevice } from "./own-device.ts";
import { ownGateway } from "./own-gateway.ts";
import { ownPair } from "./own-pair.ts";

/** Sallyport's own gateway, on a lab CA of its own, as often as there are lanes. */
export function ownGatewaySource(lanes: number): Source {
  return gatewaySource({ name: "Sallyport's gateway", lanes, make: ownGateway });
}

export function ownDeviceSource(lanes: number): Source {
  return deviceSource({ name: "Sallyport's device client", lanes, make: ownDevice });
}

export function ownPairSource(lanes: number): Source {
  return pairSource({ name: "Sallyport's device client and gateway", lanes, make: ownPair });
}
