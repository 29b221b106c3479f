// Package ssh answers: how do I speak to an SSH host?
//
// A Conn offers four powers: Attach connects a person's terminal to a PTY at the
// target, byte for byte, Exec runs one command without a terminal, Forward connects
// to what can be reached from there, and Filer's methods read and change files by
// SFTP. All ask the guard first, and all but forwards move their bytes through the
// streams, or the content, of the permit.
//
// # Trust
//
// The host key is checked in every key exchange, before a credential is sent:
// against the pins of Endpoint.HostKeys (lines in authorized_keys form, or
// fingerprints as ssh-keygen -l prints them, "SHA256:..."), the authorities of
// Endpoint.HostCAs, and the known_hosts file of Endpoint.KnownHosts. There is no
// trust on first use: what none of them knows, Open refuses, with both fingerprints.
// Only host key algorithms that can be known are offered, and only key exchanges,
// ciphers and MACs without known weaknesses; SHA-1 is not among them, unless the
// endpoint is declared a legacy device.
//
// A sign-in is by password, by key, or by a certificate made for it (certify.go):
// then the secret is the key of an authority, or a token for Vault, whose answer is
// checked like a stranger's (vault.go), and what signs in lives for minutes.
// A host on the way (Endpoint.Via) gets its own sign-in, and sees none of what
// passes.
//
// # Streams
//
// What the driver holds of a stream is bounded: one copy buffer each way, and the
// protocol's window (2 MiB) of output. A requester who does not read stops the
// target; a target that does not read stops the requester.
//
// Input is read by one goroutine, one Read at a time. When the remote program has
// ended the goroutine enters no further Read, but it cannot leave one that waits
// for a key. So the reader handed in must be cancellable by the caller, who makes
// the waiting Read return without taking a byte (a lease that is handed back, a
// closed pipe) as soon as Attach or Exec has returned; then no byte is lost that
// was typed for whatever comes next. A Read that ends with io.EOF is passed on as
// the end of the input; the program may go on writing. Any other error of Read or
// Write ends the operation with that error.
//
// # Files
//
// The target's file service is started at the first operation on files. Of each
// path its realpath is asked for, and since some services only cut dot segments,
// each part of that is looked at, at once; links that are left are followed here,
// one by one. The operation is then judged, recorded and done with the path that
// came of it: two round trips more. A path of which a part is not there, or may not
// be looked at, is judged by its text, and then cannot be opened.
//
// On Windows one file has many names; there each part of a path is spelled as its
// directory lists it (spelling.go), before it is judged. Other targets whose names are
// the same in upper and lower case do not say so, and are not known.
//
// Between that and the operation somebody at the target may put a link in the path.
// So an open file's path is resolved once more before a byte is moved, or the file
// cut off, and compared with the open file (whose it is, its mode), and a listing's
// before it is shown; a file that was made by opening it may then be left behind,
// empty. A removal, a rename, and what else changes something by its path is resolved
// again right before, and the directories right after: where those are others, what
// was done is on record as unknown. SFTP has no other names for files than paths, so
// that who swaps a link in and out again within two requests may have such an
// operation meet another file.
//
// A download is read once, in order, with up to 64 requests under way, and waits in
// a window of 4 MiB for the requester. An upload's write is answered when the target
// has it. Both are hashed in the order of the file; see connectors.Transfer. The
// library's calls know no context: one that is left behind ends with the
// connection.
//
// # Ends
//
// A program ends by a code or a signal. When ctx ends, or Close is called, or
// recording fails, the target is sent the signal HUP and its session is closed; a
// target that does not react has its connection cut. Whether the program dies is
// the target's business: a shell loses its terminal, but a command that ignores
// HUP, or whose server passes no signals on (OpenSSH, for a login as root), runs
// until it next uses its closed streams. A connection that is lost,
// also one that answers no keepalive, ends operations with
// connectors.ErrVanished.
//
// # Limits
//
// An interactive shell cannot be policed by reading its keystrokes, and a command
// is interpreted by the target's shell: neither is parsed, so both are of class
// unknown, and rules speak of them as "shell" and "exec". The environment is never
// forwarded, and channels that a target opens are refused, but for what the requester
// lends to the operation and its rule lets it use (lend.go): an SSH agent, of which a
// target may list the keys and have them sign, and an X11 display, by a cookie of the
// session's own.
//
// Where the target says of itself that it is a device, or Windows, a command is of class
// unknown whatever it is: its shell does not read it as bash does. A shell that ends
// without a status, as those of devices do, has ended, if the target is still there.
package ssh
