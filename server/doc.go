// Package server answers: who is at the door?
//
// # Life of a session
//
// A TCP connection is counted against the limits for strangers (limits.go) and
// shakes hands. Any SSH key is accepted, and so is a person without one; what the
// completed handshake proved is a key's fingerprint or nothing, and that alone is
// kept (auth.go). If the fingerprint is remembered, the connection has an
// identity; else it is a stranger's, who can do one thing: sign in.
//
// Every channel and global request passes one gate that denies by default
// (channel.go): sessions are opened, and forwards to what a resource declares
// (forward.go); env beyond a few display variables (and the reason that file transfer
// asks with), subsystems but sftp, remote forwards, and an agent or a display of
// somebody whom no rule lets lend it (lent.go) are refused in words. Each session
// channel has a context of its own that ends with the channel, not with the
// connection, so that a closed window of a multiplexed connection frees what it
// used.
//
// The session then passes the middleware (middleware.go), and becomes a screen
// (shell.go), a verb (exec.go) or, on a terminal that cannot draw, a prompt that
// reads verbs (line.go), or file transfer (sftp.go), whose top folder holds the
// resources with files. All four reach targets through server/session, the gate.
//
// A shell at a target takes over the raw channel (attach.go): the screen's
// program ends, bytes go both ways through the recorder, and when the target is
// done a new program shows the same screen again. One reader owns the channel's
// input and leases it to whoever has the terminal (input.go), so no key is lost in
// between.
//
// When the gate's rules change, or a limit is reached, it ends the sessions that
// are concerned with a cause; each of the three shows it in its place and goes on.
//
// Shutdown refuses what is new, ends each access with a reason, seals the
// transcripts, and closes.
package server
