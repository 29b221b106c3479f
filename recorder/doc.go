// Package recorder answers: what happened, provably?
//
// A Recorder is the only writer of a Store. Each session has one transcript: a
// numbered, hash-chained run of events that starts with a Header, ends with an
// End, and is never changed. The bastion keeps a transcript of its own.
//
// # Record format, version 1
//
// All integers are big-endian. An event's canonical encoding is:
//
//	offset size
//	     0    1  version of the encoding: 1
//	     1    8  number of the event in its transcript, from 0
//	     9    8  wall clock, nanoseconds since the Unix epoch (UTC), two's complement
//	    17    1  kind; 0 is invalid
//	    18    4  length n of the payload, at most MaxData
//	    22    n  payload: raw bytes or JSON, as the kind says
//
// There is exactly one encoding of an event, and an encoding tells its own
// length, so encodings can be put one after the other.
//
// The chain of a transcript starts with 32 zero bytes as the hash before event
// 0. The hash of event i is
//
//	h(i) = SHA-256( tag | len(id) | id | encoding(i) | h(i-1) )
//
// where tag is the 29 bytes "sallyport transcript event 1\x00", len(id) is one
// byte, and id is the transcript's name in ASCII. A transcript's head is the
// number of the next event and the hash of the last one; stores keep it beside
// the events.
//
// The chain knows only canonical encodings. How a store lays them out, packs,
// compresses or encrypts them is the store's own format, with its own version,
// and changes no hash.
//
// # What it proves
//
// Verify finds any change, removal, insertion or exchange of events relative to
// the head, and a head that is not the one the bastion's own transcript names
// for an ended session. Someone who can write the files and knows this format
// can compute new hashes for everything: against that stands the Log over all
// transcripts (package ledger), whose leaves are heads at the begin, at every
// thousandth event and at the end, and which is signed. Who has the signing key
// too is held by what others keep: checkpoints from before.
//
// # Retention
//
// A Store has no way to remove anything; a Remover has, and Recorder.Expire alone
// uses it, on transcripts that ended, are past their keep and are not on hold. The
// tombstone, a leaf with the chain's last hash and the header's, is durable and
// signed before anything is gone, and New finishes what a crash left half removed.
// Verify takes tombstones for what they say, and a transcript that is missing
// without one for tampering.
//
// # Durability
//
// Discrete events are durable when Record returns; streams may lead the durable
// point by Options.LeadBytes and Options.LeadTime. One goroutine writes; events
// of all transcripts that wait are one commit. The first failure of a write is
// final: see ErrUnavailable.
package recorder
