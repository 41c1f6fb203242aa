// A process of its own that issues certificates until it is killed: issuing-loop.ts DIRECTORY PREFIX
import { openAuthority } from "../../pki/authority/index.ts";

const [directory = "", prefix = ""] = process.argv.slice(2);
const authority = openAuthority(directory, { actor: prefix });
for (let n = 1; ; n += 1) {
  const { certificate } = await authority.issue({ id: `${prefix}-${n}` });
  console.log(certificate.fingerprint);
  if (n % 10 === 0) {
    await authority.revoke({ id: `${prefix}-${n}` });
    console.log(`revoked ${certificate.fingerprint}`);
  }
}
