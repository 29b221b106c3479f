// Package connectors answers: how do I speak to this kind of target?
//
// It is the hub: the contract of a driver (Driver, Conn and the powers a Conn
// may have), the Guard through which every operation passes before a byte of
// it reaches the target, and Result, the one place where rows are masked and
// recorded. Each kind has a package of its own below this one; connectortest
// is the suite that every kind must pass; package all is the literal list.
//
// A driver decides nothing. It finds the facts of an operation, asks the Guard,
// runs what was permitted, and hands back what came, with each column's origin.
package connectors

import (
	"context"
	"io"
	"net"
	"time"

	"github.com/sallyport/sallyport/mask"
	"github.com/sallyport/sallyport/policy"
)

// Endpoint is where a target is and how to trust it. It holds no secret.
type Endpoint struct {
	Name     string // the resource's name, for errors
	Address  string // host:port; for postgres also the directory of a Unix socket
	User     string // login at the target
	Database string // database name; for sqlite the file's path
	// AuthDatabase is where a mongodb login is known; "" is admin.
	AuthDatabase string
	// HostKeys are what an SSH host is known by: lines in authorized_keys form, or
	// fingerprints. HostCAs are keys that certify host keys; KnownHosts is the path of
	// a known_hosts file. One of the three must know the host.
	HostKeys, HostCAs []string
	KnownHosts        string
	// Certify says that the secret is the key of an authority, by which each sign-in
	// is certified; nil where the secret itself signs in.
	Certify *Certify
	// Again fetches the secret anew for a driver that must sign in once more, so that none
	// keeps it; nil where that cannot be done. Whoever calls destroys what it returns.
	Again func(ctx context.Context) (mask.Secret, error)
	// For names the person and the session in what the target logs of a sign-in.
	For string
	// Borrows is what of the requester's an operation at the target may come to use: a
	// certificate for the sign-in says so.
	Borrows Borrows
	// Via is the host through which Address is reached; nil is directly.
	Via *Via
	// Forwards are the addresses, as the target sees them, to which connections
	// through it may go; for a cluster patterns of POD.NAMESPACE:PORT.
	Forwards []string
	// Command is the declaration of kind command, nil for others.
	Command *Command
	// Legacy accepts algorithms with known weaknesses, for devices that have no other.
	Legacy bool
	// TLS is disable, require, verify-ca or verify-full, as in libpq; "" is verify-full.
	TLS string
	// TLSRootCA is a PEM file's path; "" uses the system's roots.
	TLSRootCA string
	// SearchPath is the schema list that unqualified names resolve in; "" is the
	// kind's default (postgres: public).
	SearchPath string
	// Masked is the target's second, restricted login, which may read no masked
	// column; nil where there is none.
	Masked *Login
	// HTTP is what the kind http needs besides; nil for other kinds.
	HTTP *HTTPTarget
	// Namespace is where names are looked for that say no namespace; "" is default.
	Namespace string
	// Impersonate is as whom the target acts for the requester; nil is the login.
	Impersonate *Impersonation
	// ReadIntent tells the kind mssql to say that only reads are meant, by which a
	// server chooses whom it serves; it binds nobody.
	ReadIntent bool
	// Dial connects to Address where it is not nil; otherwise TCP or a Unix socket.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// Certify is what the certificate of a sign-in says.
type Certify struct {
	// Principals are the names it is for; none is the login's.
	Principals []string
	// Valid is how long; 0 is 5 minutes. A session that stands may last longer.
	Valid time.Duration
	// Vault signs it, where it is not nil: then the secret is a token for that.
	Vault *VaultSigner
}

// VaultSigner is a role of Vault's SSH secrets engine that signs keys.
type VaultSigner struct {
	Address   string // https://vault.example.com:8200
	Mount     string // where the engine is mounted
	Role      string
	Namespace string // "" for none
	// RootCA is a PEM file's path; "" uses the system's roots.
	RootCA string
}

// Via is a host on the way to a target, with a login of its own.
type Via struct {
	Endpoint Endpoint
	// Secret fetches its credential when it is needed; the caller destroys it.
	Secret func(ctx context.Context) (mask.Secret, error)
}

// Login is a login at a target with the way to its credential.
type Login struct {
	User string
	// Secret fetches the credential when it is needed; the caller destroys it. nil
	// is none.
	Secret func(ctx context.Context) (mask.Secret, error)
}

// Driver opens connections to one kind of target. It is safe for concurrent use.
type Driver interface {
	// Kind is the word in the configuration and the name of the driver's package.
	Kind() string
	// Open connects and signs in with the secret, which it does not keep, unless the
	// kind must present it with every operation: then until Close. What it
	// must ask the target before any operation (catalog reads) goes through g.Note.
	// ctx bounds Open alone. Errors wrap one of the sentinels of errors.go and hold
	// no secret. The caller closes the Conn.
	Open(ctx context.Context, e Endpoint, secret mask.Secret, g Guard) (Conn, error)
}

// Conn is one open connection. What it can do is found by asserting Querier,
// Describer, Judge, Estimator, Attacher, Executor, Filer, Forwarder and Requester.
// One operation runs at a time, those on files apart, but Close and Judge may be
// called at any moment.
type Conn interface {
	// Close ends what is running at the target and frees the connection.
	Close() error
}

// Statement is one text to run, exactly as typed.
type Statement struct {
	Text string
}

// Querier runs SQL.
type Querier interface {
	// Query finds the statement's facts, asks the guard, and runs it. Rows stream:
	// nothing is fetched ahead of Result.Batch. The caller closes the Result.
	// Errors: *policy.Refusal and *policy.ApprovalNeeded from the guard,
	// *TargetError for what the target said, else a sentinel of errors.go.
	// Cancelling ctx, then or while the Result is read, cancels at the target.
	Query(ctx context.Context, g Guard, s Statement) (*Result, error)
}

// Judge finds facts without running anything: what the verdict line shows.
type Judge interface {
	Judge(ctx context.Context, s Statement) (policy.Facts, error)
}

// Classifier finds the facts of a text without a connection, a target or a
// catalog. It fails only where it could not judge at all; a text that it judges to
// be beyond it is Unknown and no error.
type Classifier interface {
	Classify(ctx context.Context, text string) (policy.Facts, error)
}

// Estimator asks the target's planner how many rows a statement would touch.
// Planning costs the target, so it is asked where somebody is to decide, not for
// every statement.
type Estimator interface {
	// Estimate runs nothing of the statement. What it sends goes through g.Note. It
	// fails with ErrUnsupported where asking is not safe or the kind cannot tell,
	// and while an operation runs.
	Estimate(ctx context.Context, g Guard, s Statement) (int64, error)
}

// Describer lists what is there, from the catalog, as the login sees it.
type Describer interface {
	Catalog(ctx context.Context) ([]Relation, error)
}

// Relation is a table or view of the catalog.
type Relation struct {
	Schema, Name string
	Kind         policy.TableKind
	Columns      []RelationColumn
}

// RelationColumn is a column of a Relation; Type is the target's own name for it.
type RelationColumn struct {
	Name, Type string
}

// Size is a terminal's size in cells.
type Size struct{ Width, Height int }

// Terminal is the requester's terminal: its raw channel, byte for byte.
type Terminal struct {
	Term   string // TERM
	Size   Size
	Modes  []byte // encoded terminal modes of RFC 4254 section 8, as received
	Stdio  Stdio
	Resize <-chan Size // never closed while attached
}

// Stdio is three streams. Err is nil where a PTY merges it into Out.
type Stdio struct {
	In  io.Reader
	Out io.Writer
	Err io.Writer
	// Lent is what the requester offers besides; nil is nothing. What Permit.Stdio
	// returns has none.
	Lent *Lent
}

// Exit is how a remote program ended: by a code, or by a signal (name without SIG).
type Exit struct {
	Code   int
	Signal string
}

// Attacher opens an interactive session on a PTY.
type Attacher interface {
	// Attach asks the guard (ActionShell), then connects the terminal to a PTY at
	// the target through Permit.Stdio until the program there ends or ctx does.
	Attach(ctx context.Context, g Guard, t Terminal) (Exit, error)
}

// Executor runs one command without a terminal.
type Executor interface {
	// Exec asks the guard (ActionExec) with the command as one string, which the
	// target's shell will interpret, then runs it with the streams of Permit.Stdio.
	Exec(ctx context.Context, g Guard, command string, io Stdio) (Exit, error)
}

// Forwarder opens connections from the target to what it declares to reach.
type Forwarder interface {
	// Forward asks the guard (ActionForward), then connects the stream to the address,
	// one that Endpoint.Forwards names, as the target sees it, until both sides have ended or
	// ctx does. What goes through is not understood: it is counted and hashed, not
	// masked. It closes the stream.
	Forward(ctx context.Context, g Guard, address string, stream io.ReadWriteCloser) error
}
