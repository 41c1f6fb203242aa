import type { VerbGroup } from "../verb.ts";
import { addMitmCompare } from "./mitm-compare.ts";
import { addMitmDevice } from "./mitm-device.ts";
import { addMitmGateway } from "./mitm-gateway.ts";
import { addMitmLabCa } from "./mitm-lab-ca.ts";
import { addMitmList } from "./mitm-list.ts";
import { addMitmOwn } from "./mitm-own.ts";
import { addMitmPair } from "./mitm-pair.ts";
import { addMitmSelfTest } from "./mitm-self-test.ts";

export function addMitm(program: VerbGroup): void {
  const mitm = program.group("mitm", "attack your own gateway and devices, and see what holds");
  addMitmGateway(mitm);
  addMitmDevice(mitm);
  addMitmPair(mitm);
  addMitmOwn(mitm);
  addMitmLabCa(mitm);
  addMitmList(mitm);
  addMitmCompare(mitm);
  addMitmSelfTest(mitm);
}
