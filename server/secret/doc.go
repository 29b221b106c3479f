// Package secret answers: where is this credential, right now?
//
// The configuration names credentials by reference and never holds one. New
// turns a reference into a Source, and a Source fetches the bytes as a
// mask.Secret, which cannot print itself. No error of this package holds any
// part of a value.
//
// A file is read anew for each session, so rotating it needs no restart. An
// environment variable is read once, by New, and removed from the environment,
// so that no child process inherits it: call New for all references before the
// first child is started. What the kernel shows in
// /proc/PID/environ is the environment as the process was started, to the same
// user and to root: where that matters, use a file.
package secret
