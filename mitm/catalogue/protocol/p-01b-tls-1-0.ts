import { legacyVersionAttack } from "./legacy-version.ts";

export default legacyVersionAttack({ id: "P-01b", name: "TLS 1.0", version: 0x0301, rfc: ["RFC 8996 §4"] });
