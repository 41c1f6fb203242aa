import { describe, expect, test } from "vitest";
import { Forge } from "../../../../mitm/mint/forge.ts";
import { LabPki } from "../../../../mitm/mint/lab-pki.ts";
import { TwinInventory } from "../../../../mitm/twins/inventory.ts";

const forge = new Forge(await LabPki.create());
const pump = { kind: "device", id: "pump-1" } as const;
const serialNumber = "4711";

async function leaf(options: { readonly serialNumber?: string } = {}): Promise<Uint8Array> {
  const { chain } = await forge.device({ id: pump.id, ...options });
  return chain[0] ?? new Uint8Array();
}

const known = await leaf({ serialNumber });

function inventory(...tolerates: readonly string[]): TwinInventory {
  const made = new TwinInventory(new Set(tolerates));
  made.register(known, pump);
  return made;
}

describe("the inventory of a twin", () => {
  test("lets in whom it knows, and as whom it knows it", () => {
    expect(inventory().refusal(known, pump)).toBeUndefined();
    const other = { ...pump, id: "pump-2" };
    expect(inventory().refusal(known, other)).toBe("access_denied");
    const operator = { ...pump, kind: "operator" } as const;
    expect(inventory().refusal(known, operator)).toBe("access_denied");
    const careless = inventory("registration-by-name");
    careless.register(known, { ...pump, id: "attacker" });
    expect(careless.refusal(known, pump)).toBeUndefined();
  });

  test("does not know another certificate of the same name or serial number", async () => {
    const clone = await leaf({ serialNumber });
    expect(inventory().refusal(clone, pump)).toBe("access_denied");
    expect(inventory("unregistered-certificate-accepted").refusal(clone, pump)).toBeUndefined();
    expect(inventory("registration-by-serial-number").refusal(clone, pump)).toBeUndefined();
    expect(inventory("registration-by-serial-number").refusal(await leaf(), pump)).toBe("access_denied");
  });

  test("knows what was revoked and who was removed", () => {
    const strict = inventory();
    expect(strict.hasRights(pump.id)).toBe(true);
    expect(strict.revoke(known)).toMatchObject(pump);
    expect(strict.refusal(known, pump)).toBe("certificate_revoked");
    expect(strict.hasRights(pump.id)).toBe(false);
    const careless = inventory("registered-revocation-ignored", "removed-device-accepted");
    careless.revoke(known);
    careless.remove(pump.id);
    expect(careless.refusal(known, pump)).toBeUndefined();
    const removed = inventory();
    removed.remove(pump.id);
    expect(removed.refusal(known, pump)).toBe("access_denied");
    expect(removed.hasRights(pump.id)).toBe(false);
  });

  test("takes certificates that nobody can read, and has nothing to revoke where it knows none", () => {
    const made = inventory();
    const garbage = Buffer.from("no certificate");
    made.register(garbage, { ...pump, id: "odd" });
    expect(made.refusal(garbage, { ...pump, id: "odd" })).toBeUndefined();
    expect(made.revoke(Buffer.from("another"))).toBeUndefined();
  });
});
