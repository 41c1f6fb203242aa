import { legacyVersionAttack } from "./legacy-version.ts";

export default legacyVersionAttack({ id: "P-01c", name: "TLS 1.1", version: 0x0302, rfc: ["RFC 8996 §5"] });
