import { legacyVersionAttack } from "./legacy-version.ts";

export default legacyVersionAttack({ id: "P-01a", name: "SSL 3.0", version: 0x0300, rfc: ["RFC 7568 §3"] });
