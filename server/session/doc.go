// Package session answers: how does one access run, from request to close?
//
// It is the gate: the one place through which the screens, the verbs and native
// clients reach a target, composed in this order.
//
//	who → may they open it? → transcript → credential → connect
//	    → for each operation: facts → decide → (approval) → run → mask → record
//	    → close: outcome, end of transcript, its head in the bastion's own
//
// Two decisions are made. May this person open the resource at all is decided
// before any credential is fetched. Then each operation is decided by itself, on
// the facts its driver found; before that only the gate's own recorded catalog
// reads reach the target. A driver cannot pass: it gets a connectors.Guard, and
// only a connectors.Permit tells it what to run and how the answer is masked.
//
// Rules are swapped whole under live sessions (rejudge.go). Each is then judged by
// the new ones, and again every so often, since conditions may hang on the time:
// one that lost its right ends, with the reason as its cause, and so does an
// operation that would be denied now. The limits of what was decided bound the
// operation; those of a session's life, the session (limits.go).
//
// No record, no access: every step is durable in the transcript before the next
// one is taken, and when the recorder cannot write the session ends, saying why.
package session
