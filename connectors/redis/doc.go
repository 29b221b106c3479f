// Package redis answers: how do I speak to Redis and Valkey, and what would a command
// do there?
//
// # Statements
//
// A statement is one command, written as redis-cli reads a line: white space between
// arguments, "..." with \n and \xHH, '...'. A semicolon at the end ends it and is no
// part of it. What is sent are those arguments and nothing else, each with its length,
// so that nothing in one of them can be another.
//
// # Judgement
//
// The table commands.txt says of each command of Redis 7.0 what class it has, where its
// keys are, and what of their values is in its answer; refine.go what options make of
// it. A test compares it with what a real server says of all its commands (flags, and
// the keys that COMMAND GETKEYS finds). A command that the table does not have, those of
// modules and of later versions among them, is unknown, and so are an option on which
// keys depend and code (EVAL, FCALL, those of _RO too: they read any key). When a
// connection is opened the server is asked what it says of its commands: where that is
// worse than the table, a command is unknown (belt.go). No server can be told to let one
// command only read, so there is no other belt; an ACL login that may do no more than the
// resource needs is the best one.
//
// # Values
//
// A key is a table of the schema that is called like the database's number, and its
// values are columns: the fields of a hash and of a stream's entries by their names,
// the members of all else as "value", a sorted set's scores as "score". So the mask
// column user:*.email is about the field email of all hashes called so, and session:*.* about all
// values of sessions. Of commands that answer with whole values each value is traced to
// its column. Of any other the answer is made of values in ways that are not: a length, a
// part, a rank, whether a member is there, in which order. Over a key that a mask covers
// those do not run, and neither do those that take values into another key, where no
// mask would cover them. Names of keys and of fields are not masked, but for what
// detectors find; a field's value is masked by its name alone, a member's by its key's.
//
// Masks by paths are for values that begin as a JSON document does, and what does not
// parse is withheld. Where there are any, a command that shows a part of a value, or could
// make of a document what is none, does not run over any key.
//
// # The session
//
// Whatever changes the session is refused: transactions, AUTH, HELLO, SELECT, RESET,
// subscriptions, CLIENT REPLY; and what writes into another database (MOVE, COPY ... DB).
// A redirection of a cluster (MOVED, ASK) is told and not
// followed: it names an address, and where one may go is the configuration's.
//
// # The protocol
//
// It is read here (resp.go). The two client libraries in use, go-redis and rueidis, read
// an answer whole before they hand it on, of up to 512 MB a value and any number of
// them, and both follow redirections and send commands again by default: an answer must
// stream, in bounded memory, and nothing may be sent twice. RESP3 is asked for, RESP2
// taken. An answer is rows as it comes; what is nested has its place in front (2.1). A
// value beyond 8 MiB ends the answer, which says so.
//
// # Ending
//
// A command that waits and only reads (XREAD BLOCK) is woken by CLIENT UNBLOCK over a
// second connection; one that may write is ended with its connection, since a server that
// holds writes up (CLIENT PAUSE, a failover) ends itself when asked to unblock one. A line
// that is lost so is made anew for the next command, with the secret as it is fetched for
// that. Code
// of ours that runs too long is ended by SCRIPT KILL, once it is sure that it is ours
// that runs. The server runs one command at a time, and no other command can be ended by
// anybody.
package redis
