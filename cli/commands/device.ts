import type { VerbGroup } from "../verb.ts";
import { addDeviceAdd } from "./device-add.ts";
import { addDeviceList } from "./device-list.ts";
import { addDeviceRenew } from "./device-renew.ts";
import { addDeviceRevoke } from "./device-revoke.ts";

export function addDevice(program: VerbGroup): void {
  const device = program.group("device", "devices and their certificates: add, list, show, renew, revoke");
  addDeviceAdd(device);
  addDeviceList(device);
  addDeviceRenew(device);
  addDeviceRevoke(device);
}
