package mongodb

import (
	"context"
	"crypto/md5" //nolint:gosec // what SCRAM-SHA-1 of MongoDB is made of
	"crypto/rand"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/xdg-go/scram"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/mask"
)

const (
	defaultPort = "27017"
	// Rounds of a password's hash: fewer are too easy to try, more are work that a
	// target makes us do.
	minRounds, maxRounds = 4096, 1_000_000
)

// dialError is of a line that could not be made, serverError of a target that answers
// with an error, authError of one that takes no sign-in.
type dialError struct{ error }

func (e *dialError) Unwrap() error { return e.error }

type authError struct{ why string }

func (e *authError) Error() string { return e.why }

// signIn makes a line, and signs in by SCRAM, which sends no password and makes the
// target prove that it knows it. Without a user there is no sign-in.
func signIn(ctx context.Context, e connectors.Endpoint, secret mask.Secret) (*wire, error) {
	nc, err := dial(ctx, e)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = nc.SetDeadline(time.Unix(1, 0)) })
	w := newWire(nc)
	if err = greet(w, e, secret); err == nil && !stop() {
		err = context.Cause(ctx)
	}
	if err != nil {
		stop()
		_ = nc.Close()
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return nil, err
	}
	return w, nil
}

// place reads host:port, a host, or the path of a Unix socket.
func place(s string) (network, address, host string, err error) {
	if s == "" {
		return "", "", "", errors.New("mongodb address is empty: give host:port or the path of a socket")
	}
	if filepath.IsAbs(s) {
		return "unix", s, "", nil
	}
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		return "tcp", net.JoinHostPort(s, defaultPort), s, nil
	}
	return "tcp", net.JoinHostPort(host, port), host, nil
}

func dial(ctx context.Context, e connectors.Endpoint) (net.Conn, error) {
	network, address, host, err := place(e.Address)
	if err != nil {
		return nil, &dialError{err}
	}
	var secure *tls.Config
	if network != "unix" {
		if secure, err = connectors.TLSConfig(e, host); err != nil {
			return nil, &dialError{err}
		}
	}
	d := e.Dial
	if d == nil {
		d = new(net.Dialer).DialContext
	}
	nc, err := d(ctx, network, address)
	if err != nil {
		return nil, &dialError{err}
	}
	if secure == nil {
		return nc, nil
	}
	t := tls.Client(nc, secure)
	if err := t.HandshakeContext(ctx); err != nil {
		_ = nc.Close()
		return nil, err
	}
	return t, nil
}

// authDatabase is where the login is known.
func authDatabase(e connectors.Endpoint) string {
	if e.AuthDatabase != "" {
		return e.AuthDatabase
	}
	return "admin"
}

// greet says who comes, and signs in.
func greet(w *wire, e connectors.Endpoint, secret mask.Secret) error {
	at, hello := bsoncore.AppendDocumentStart(nil)
	hello = bsoncore.AppendInt32Element(hello, "hello", 1)
	if e.User != "" {
		hello = bsoncore.AppendStringElement(hello, "saslSupportedMechs", authDatabase(e)+"."+e.User)
	}
	w.name = ownName(e.For)
	hello = bsoncore.AppendDocumentElement(hello, "client", client(w.name))
	hello, _ = bsoncore.AppendDocumentEnd(hello, at)
	said, err := w.ask(hello, "admin")
	if err == nil {
		err = failed(said)
	}
	if err != nil {
		return err
	}
	w.connection, _ = number(said, "connectionId")
	if e.User == "" {
		return nil
	}
	list, _ := said.Lookup("saslSupportedMechs").ArrayOK()
	values, _ := list.Values()
	mechanism := "SCRAM-SHA-1"
	for _, v := range values {
		if s, _ := v.StringValueOK(); s == "SCRAM-SHA-256" {
			mechanism = s
		}
	}
	return converse(w, e, secret, mechanism)
}

// maxAppName is the most that a server takes.
const maxAppName = 128

// ownName is what a line calls itself: whose it is, and what no other one has.
func ownName(of string) string {
	own := " " + rand.Text()[:8]
	name := "sallyport " + of
	return strings.ToValidUTF8(name[:min(len(name), maxAppName-len(own))], "") + own
}

// client is what the target logs of who comes.
func client(name string) bsoncore.Document {
	text := func(key, value string) bsoncore.Document {
		at, b := bsoncore.AppendDocumentStart(nil)
		b = bsoncore.AppendStringElement(b, key, value)
		if key == "name" {
			b = bsoncore.AppendStringElement(b, "version", "1")
		}
		b, _ = bsoncore.AppendDocumentEnd(b, at)
		return b
	}
	at, b := bsoncore.AppendDocumentStart(nil)
	b = bsoncore.AppendDocumentElement(b, "application", text("name", name)[:])
	b = bsoncore.AppendDocumentElement(b, "driver", text("name", "sallyport"))
	b = bsoncore.AppendDocumentElement(b, "os", text("type", "unknown"))
	b, _ = bsoncore.AppendDocumentEnd(b, at)
	return b
}

// converse is the conversation of RFC 5802.
func converse(w *wire, e connectors.Endpoint, secret mask.Secret, mechanism string) error {
	hash, password := scram.SHA256, string(secret.Reveal())
	var c *scram.Client
	var err error
	if mechanism == "SCRAM-SHA-1" {
		sum := md5.Sum([]byte(e.User + ":mongo:" + password)) //nolint:gosec // as MongoDB does
		c, err = scram.SHA1.NewClientUnprepped(e.User, hex.EncodeToString(sum[:]), "")
	} else {
		c, err = hash.NewClient(e.User, password, "")
	}
	if err != nil {
		return &authError{"the user or password holds what no name or password may"}
	}
	talk := c.WithMinIterations(minRounds).NewConversation()
	first, err := talk.Step("")
	if err != nil {
		return &authError{"signing in failed"}
	}
	payload, id, done, err := step(w, authDatabase(e), start(mechanism, first))
	for range 5 {
		switch {
		case err != nil:
			return err
		case done && talk.Done():
			if !talk.Valid() {
				return &authError{"it does not prove that it knows the login"}
			}
			return nil
		case done:
			return malformed("it ends the sign-in before its end")
		case tooManyRounds(payload):
			return malformed("it asks for too much work to sign in")
		}
		var next string
		if !talk.Done() {
			if next, err = talk.Step(payload); err != nil {
				return &authError{"it does not prove that it knows the login"}
			}
		}
		payload, id, done, err = step(w, authDatabase(e), proceed(id, next))
		if err == nil && done && !talk.Done() {
			if _, err := talk.Step(payload); err != nil {
				return &authError{"it does not prove that it knows the login"}
			}
		}
	}
	return malformed("it does not end the sign-in")
}

func tooManyRounds(payload string) bool {
	for part := range strings.SplitSeq(payload, ",") {
		if n, ok := strings.CutPrefix(part, "i="); ok {
			rounds, err := strconv.Atoi(n)
			return err != nil || rounds > maxRounds
		}
	}
	return false
}

func start(mechanism, payload string) bsoncore.Document {
	at, b := bsoncore.AppendDocumentStart(nil)
	b = bsoncore.AppendInt32Element(b, "saslStart", 1)
	b = bsoncore.AppendStringElement(b, "mechanism", mechanism)
	b = bsoncore.AppendBinaryElement(b, "payload", 0, []byte(payload))
	o, b := bsoncore.AppendDocumentElementStart(b, "options")
	b = bsoncore.AppendBooleanElement(b, "skipEmptyExchange", true)
	b, _ = bsoncore.AppendDocumentEnd(b, o)
	b, _ = bsoncore.AppendDocumentEnd(b, at)
	return b
}

func proceed(id int32, payload string) bsoncore.Document {
	at, b := bsoncore.AppendDocumentStart(nil)
	b = bsoncore.AppendInt32Element(b, "saslContinue", 1)
	b = bsoncore.AppendInt32Element(b, "conversationId", id)
	b = bsoncore.AppendBinaryElement(b, "payload", 0, []byte(payload))
	b, _ = bsoncore.AppendDocumentEnd(b, at)
	return b
}

func step(w *wire, db string, cmd bsoncore.Document) (payload string, id int32, done bool, err error) {
	said, err := w.ask(cmd, db)
	if err != nil {
		return "", 0, false, err
	}
	if err := failed(said); err != nil {
		return "", 0, false, &authError{"it does not take the login (" + codeOf(err) + ")"}
	}
	_, data, ok := said.Lookup("payload").BinaryOK()
	if !ok {
		return "", 0, false, malformed("a sign-in without an answer")
	}
	id, _ = said.Lookup("conversationId").Int32OK()
	done, _ = said.Lookup("done").BooleanOK()
	return string(data), id, done, nil
}

// openError says why no session could be had, in one of the hub's sentinels.
func openError(name string, err error) error {
	wrap := func(sentinel error, why string) error { return fmt.Errorf("open %q: %w: %s", name, sentinel, why) }
	var auth *authError
	var cert *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var dial *dialError
	var te *connectors.TargetError
	switch {
	case errors.As(err, &dial):
		return wrap(connectors.ErrUnreachable, connectors.RootCause(dial.error))
	case errors.As(err, &auth):
		return wrap(connectors.ErrCredential, auth.why)
	case errors.As(err, &te):
		return wrap(connectors.ErrUnreachable, te.Error())
	case errors.As(err, &cert):
		return wrap(connectors.ErrHostKey, "its TLS certificate is not trusted; check tls and the root certificate")
	case errors.As(err, &record):
		return wrap(connectors.ErrHostKey, "it does not speak TLS, so it cannot prove who it is")
	case errors.Is(err, connectors.ErrProtocol):
		return fmt.Errorf("open %q: %w", name, err)
	}
	return wrap(connectors.ErrUnreachable, connectors.RootCause(err))
}
