import { badFinishedToGateway } from "./bad-finished.ts";

export default badFinishedToGateway("P-19b", "TLS 1.3", "truncated");
