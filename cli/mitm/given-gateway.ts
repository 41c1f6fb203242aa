import {
  type Address,
  type Application,
  type DeviceAccount,
  Forge,
  type GatewaySource,
  makeOperator,
  type Transport,
} from "../../mitm/index.ts";
import { CliError } from "../errors.ts";
import type { AttackCa } from "./attack-ca.ts";
import { readAccount } from "./identity.ts";
import { labDevices } from "./lab-ca.ts";

export interface GivenGateway {
  readonly address: Address;
  readonly transport: Transport;
  readonly application: Application;
  readonly serverName: string | undefined;
  readonly ca: AttackCa | undefined;
  readonly dir: string;
  readonly identity: string | undefined;
  readonly attacker: string | undefined;
  readonly victim: string | undefined;
  readonly operator: string | undefined;
  readonly knowsRevocation: boolean;
  /** How long the target says that it waits for the first packet, ms. */
  readonly helloTimeoutMs: number | undefined;
  /** Starts the target anew. */
  readonly restart: (() => Promise<void>) | undefined;
  readonly servesOnce: boolean;
  readonly publishTopic: string | undefined;
  readonly subscribeTopic: string | undefined;
}

/**
 * Somebody's gateway, attacked as the devices that were named, or as ones of a lab CA that it trusts. Throws CLI_USAGE
 * where neither was named, CLI_FILE_MISSING for a device without files.
 */
export async function givenGatewaySource(given: GivenGateway): Promise<GatewaySource> {
  const { address, transport } = given;
  const { attacker, victim, operator, forge } = await identitiesOf(given);
  const topics = topicsOf(given);
  return {
    side: "gateway",
    name: `${address.host}:${address.port}`,
    endpoints: [`${transport} ${address.host}:${address.port}`],
    transports: [transport],
    lanes: 1,
    ...(given.restart && { restart: given.restart, servesOnce: given.servesOnce }),
    open: () =>
      Promise.resolve({
        forge,
        target: {
          name: `${address.host}:${address.port}`,
          endpoints: { [transport]: { ...address, application: given.application } },
          serverName: given.serverName,
          attacker,
          victim,
          operator,
          knowsRevocation: given.knowsRevocation,
          helloTimeoutMs: given.helloTimeoutMs,
          ...(topics && { topics }),
        },
      }),
  };
}

interface Identities {
  readonly attacker: DeviceAccount;
  readonly victim: DeviceAccount | undefined;
  readonly operator: DeviceAccount | undefined;
  readonly forge: Forge | undefined;
}

async function identitiesOf(given: GivenGateway): Promise<Identities> {
  const place = { dir: given.dir, ...(given.identity !== undefined && { identity: given.identity }) };
  const named = (id: string | undefined) => (id === undefined ? undefined : readAccount(id, place));
  const attacker = named(given.attacker);
  const victim = named(given.victim);
  const operator = named(given.operator);
  if (given.ca === undefined) {
    if (attacker !== undefined) return { attacker, victim, operator, forge: undefined };
    throw new CliError(
      "CLI_USAGE",
      "who shall the attacker be? Name a device that it owns by right with --attacker (and --victim for another one, to be " +
        "attacked), or a CA that the target trusts for the time of the lab with --lab-ca: `sallyport mitm lab-ca` makes one",
    );
  }
  const { pki } = given.ca;
  // A real CA vouches for devices that exist alone.
  if (pki.origin === "real" && (attacker === undefined || victim === undefined)) {
    throw new CliError(
      "CLI_USAGE",
      "with the real CA, name the two devices that may be attacked: --attacker and --victim",
    );
  }
  const made = async (deviceId: string) => ({ deviceId, credential: await pki.device(deviceId) });
  return {
    attacker: attacker ?? (await made(labDevices.attacker)),
    victim: victim ?? (await made(labDevices.victim)),
    operator: operator ?? (pki.origin === "lab" ? await makeOperator(pki, labDevices.operator) : undefined),
    forge: new Forge(pki),
  };
}

function topicsOf({ publishTopic, subscribeTopic }: GivenGateway) {
  if (publishTopic === undefined || subscribeTopic === undefined) return undefined;
  return (deviceId: string) => ({
    publish: publishTopic.replaceAll("{id}", deviceId),
    subscribe: subscribeTopic.replaceAll("{id}", deviceId),
  });
}
