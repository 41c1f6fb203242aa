import { badFinishedToDevice } from "./bad-finished.ts";

export default badFinishedToDevice("P-19e", "TLS 1.3", "zeros");
