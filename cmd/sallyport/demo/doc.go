// Package demo answers: what is there to reach in the demo?
//
// It has the pieces that `sallyport demo` needs besides the bastion itself: Host,
// an SSH server in this process that is reached through memory only; the data of
// a small shop (SQLite, PostgresSchema, PostgresLogin), the same rows in both
// dialects; and Config, the configuration file that the demo writes and serves.
//
// All data is synthetic: reserved domains and addresses, telephone numbers kept
// for fiction, social security numbers of areas never assigned, card numbers of
// test ranges, invented accounts with right checksums, random tokens.
//
// # Who the demo's shell is
//
// A shell on the demo host is a real one on this machine: of the user who runs
// the demo, or, where that is root, of nobody. Whoever may sign in to the demo
// can use it, so the demo listens on loopback only, and says so.
package demo
