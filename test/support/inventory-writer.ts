// A process of its own that writes to an inventory: inventory-writer.ts DIRECTORY PREFIX COUNT
import { Inventory } from "../../pki/inventory/index.ts";
import { newCertificate } from "./new-certificate.ts";

const [directory = "", prefix = "", count = "0"] = process.argv.slice(2);
const inventory = Inventory.open(directory, { actor: prefix });
const issuerKeyId = "aa".repeat(32);
for (let n = 1; n <= Number(count); n += 1) {
  const id = `${prefix}-${n}`;
  const certificate = newCertificate({ identityId: id, issuerKeyId });
  inventory.transaction(() => {
    inventory.addDevice({ id, kind: "device" });
    inventory.recordCertificates([certificate]);
  });
  const { number } = inventory.crlNumbers.take(issuerKeyId, new Date(), new Date());
  console.log(JSON.stringify({ fingerprint: certificate.fingerprint, number }));
}
inventory.close();
