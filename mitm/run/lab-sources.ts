import { Door } from "../lab/door.ts";
import { Forge } from "../mint/forge.ts";
import { LabPki } from "../mint/lab-pki.ts";
import type { DeviceTarget, GatewayTarget, PairTarget } from "../targets.ts";
import type { Case } from "./case.ts";
import type { DeviceSource, GatewaySource, PairSource } from "./sources.ts";

/** The names of a gateway on this machine: what a device of the lab dials, and takes it for. */
export const localNames = ["localhost", "127.0.0.1"] as const;

/** How a target that the lab itself makes is made: one for each lane, on a PKI of its own. */
export interface LabMade<Target> {
  readonly name: string;
  readonly lanes: number;
  readonly perCase?: boolean;
  make(pki: LabPki, one: Case): Promise<Target>;
}

const bothTransports = ["tls", "dtls"] as const;
const endpoints = ["made for this run, on loopback"] as const;

/** Waiting for a device that the lab makes dial is waiting for a program on the same machine. */
const arrivalMs = 5_000;

export function gatewaySource(made: LabMade<GatewayTarget>): GatewaySource {
  return {
    side: "gateway",
    ...about(made),
    async open(one) {
      const pki = await LabPki.create();
      return { target: await made.make(pki, one), forge: new Forge(pki, localNames) };
    },
  };
}

export function deviceSource(made: LabMade<DeviceTarget>): DeviceSource {
  return {
    side: "device",
    ...about(made),
    async open(one) {
      const pki = await LabPki.create();
      const target = await made.make(pki, one);
      const gateway = await pki.gateway(target.serverNames);
      const door = await Door.open({ transports: target.transports, arrivalMs });
      return { target, forge: new Forge(pki, target.serverNames), gateway, door };
    },
  };
}

export function pairSource(made: LabMade<PairTarget>): PairSource {
  return {
    side: "pair",
    ...about(made),
    async open(one) {
      return { target: await made.make(await LabPki.create(), one) };
    },
  };
}

function about({ name, lanes, perCase = false }: Omit<LabMade<unknown>, "make">) {
  return { name, lanes, perCase, transports: bothTransports, endpoints };
}
