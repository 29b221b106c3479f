// Package filefacts answers: what would this operation do to which files?
//
// An operation is a verb with paths; the package has its facts, and its text, which
// people approve and transcripts keep: "read /var/log/app.log", "rename /a to /b".
// There is one text for each operation and the reverse: what a path must not be
// taken for (spaces, quotes, control characters, what is not UTF-8) is quoted as Go
// quotes it.
//
// What makes a path special is the table of package shellfacts, so that a file
// written by sftp is judged as the same file written by a shell's redirection.
package filefacts
