// Package audit answers: who outside is told what happens?
//
// A Stream follows the recorder and tells its sinks, in JSON Lines, of each
// session that opens and closes, operation, decision, approval, outcome, sign-in
// and act of administration. It has no queue of its own: for each sink it keeps,
// in audit.db in the data directory, up to which event of each transcript it was
// told, and reads on from there in the record itself. So nothing is lost while a
// sink is down, memory is bounded however long that is, and no session waits.
//
// # Contract
//
// At least once, in order within a transcript. A line's id is that of transcript
// and event: lines that come twice have the same. A sink that is named for the
// first time is told what is recorded from then on. Where the record cannot be
// read any more, because retention took it or a sealed bastion lost its key in a
// restart, one line of event "gap" says which events are not told; of transcripts
// that were removed while the bastion was stopped, nothing says it.
//
// Lines hold no secrets, no answers of targets and nothing that was typed or shown
// in a shell. Operations are told by SHA-256, or as typed where the configuration
// says so; those then are cut after 16 KiB.
//
// A file has acknowledged what is synced, a webhook what it answered 2xx to.
// Syslog has no acknowledgement: what the system has taken counts as told.
package audit
