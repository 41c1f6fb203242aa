import { invalidShareAttack, invalidShares } from "./key-share.ts";

export default invalidShareAttack("P-06a", invalidShares.zeros);
