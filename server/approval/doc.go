// Package approval answers: did somebody else say yes to exactly this?
//
// An approval binds to one operation by the SHA-256 over a versioned,
// length-prefixed record of everything that decides what would happen: who asks,
// which resource in which configuration, the exact bytes, the login that runs
// them and the masks on the answer (see Binding). What was approved is what
// runs, once:
//
//	pending → granted → executing → done | failed | unknown
//	pending → denied | expired | withdrawn, granted → expired
//
// Every step is a compare-and-swap on cluster.KV, durable before it is acted on.
// executing is durable before the first byte goes to the target, so that two
// racing runs of one grant cannot both start, and a crash in the middle leaves
// unknown, which is never run again. A granted approval survives a restart and
// is used by submitting the same bytes.
//
// People are compared by issuer and subject. Nobody decides on their own
// request. Groups are checked when a vote is cast and again when the approval is
// used, with the groups the voter was last seen with.
package approval
