package connectortest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/mask"
)

// Target is a real target, running, as the suite drives it.
type Target struct {
	Driver   connectors.Driver
	Endpoint connectors.Endpoint
	// Secret signs in. It must be a text that occurs nowhere else: no error,
	// chunk or outcome may hold it. "" where the kind takes none.
	Secret string
	// Faults are ways in which Open must fail. The suite adds an unreachable
	// target by itself where Endpoint.Address is set.
	Faults []Fault
	// Sessions counts what is open at the target for this login, seen from its
	// side and beside the gate. nil only where a target has no such thing.
	Sessions func(t testing.TB) int
	// Active counts the operations that run at the target now. nil as above.
	Active func(t testing.TB) int

	SQL  *SQL  // set for a connection that is a Querier
	Host *Host // set for a connection that is an Executor or Attacher
	Web  *Web  // set for a connection that is a Requester
	// Files is set for a connection that is a Filer.
	Files *Files
	// Forward is set for a connection that is a Forwarder.
	Forward *Forwarding

	// Name tells this target from others of its kind, "" the one that stands for it.
	Name string
	// Cannot says why a property is not to be had, by the property, or by the property
	// of one power (Property.Of). What is named is printed with the suite's table; the
	// suite fails for what is neither named nor proved. Property(power) names a power that
	// the driver has and this target has not.
	Cannot map[Property]string
	// Proofs are proofs of the kind's own, of what the suite cannot do by itself.
	Proofs []Proof
	// Notes are printed with the suite's table.
	Notes []string
	// Impatient is a driver that waits less long for a target that does not answer any
	// more, if the kind's waits long; nil is Driver.
	Impatient connectors.Driver
	// Greetings begin first messages of the protocol that say they are longer than any
	// may be. What follows them has no end.
	Greetings [][]byte
}

// Proof is a test that proves a property of a power.
type Proof struct {
	Power    Power
	Property Property
	Name     string
	Test     func(t *testing.T)
}

// Fault is a way in which Open must fail.
type Fault struct {
	Name     string
	Endpoint connectors.Endpoint
	Secret   string // may be wrong on purpose; it may not be shown either
	Want     error  // the sentinel
}

// SQL is what the suite asks of a Querier. Statements are in the kind's own
// dialect.
type SQL struct {
	// Read is judged a read and answers ReadWant, NULL as "NULL".
	Read     string
	ReadWant [][]string
	// Write is judged a write and changes what Observe tells, each time it runs.
	// Observe looks beside the gate.
	Write   string
	Observe func(t testing.TB) string
	// Affected is how many rows Write changes; its tag is not empty.
	Affected int64
	// Destructive statements are judged so, Harmless writes are not.
	Destructive, Harmless []string
	// NoBelt says why the target cannot be made to let reads run alone: then the driver
	// itself must refuse what was judged wrongly. "" where it can.
	NoBelt string
	// Unknown statements are judged unknown and have no effect by being judged.
	Unknown []string
	// SyntaxError is answered by *connectors.TargetError with ErrorCode where the
	// guard lets it pass.
	SyntaxError, ErrorCode string
	// Slow is a read that runs for minutes if it is not cancelled.
	Slow string
	// Large is a read that answers with so many rows of at least 1,000 bytes.
	Large func(rows int) string
	// Oversized is a read that answers one value larger than the driver takes.
	Oversized string

	// Masks are the rules under which Masked answers at least 300 rows, each with
	// values of masked columns, of which Cleartext lists at least 3 fragments.
	Masks     []mask.Rule
	Masked    string
	Cleartext []string
	// Evasions read masked columns in other ways: whatever they answer, no
	// fragment of Cleartext may be in it, in errors and notices neither.
	Evasions []string

	// Relation must be in the catalog. Ignored where the connection is no Describer.
	Relation connectors.Relation
}

// Host is what the suite asks of an Executor and an Attacher.
type Host struct {
	// Command writes Stdout and Stderr exactly and ends with Exit.
	Command        string
	Stdout, Stderr string
	// Text is what the gate is asked for a command; nil where that is the command
	// itself.
	Text func(command string) string
	Exit connectors.Exit
	// Cat copies its input to its output until the input ends.
	Cat string
	// Effect changes what Observe tells, each time it runs. Observe looks beside
	// the gate.
	Effect  string
	Observe func(t testing.TB) string
	// Slow runs for minutes if it is not cancelled, and is counted by Active.
	Slow string
	// Flood writes so many bytes to its output.
	Flood func(bytes int) string
	// Type is typed into a shell, which answers with Typed somewhere in its output
	// and ends with ShellExit.
	Type, Typed string
	ShellExit   connectors.Exit
	// ShowSize is typed into a shell after a resize to 61 columns and 23 rows;
	// SizeShown is then in the output.
	ShowSize, SizeShown string
}

// Run proves the target's kind: every property of every power that its connection
// has. What cannot be proved must be named in Target.Cannot.
func Run(t *testing.T, target Target) {
	s := &suite{Target: target, tried: map[key]bool{}}
	s.wire = newWire(target.Endpoint)
	s.Endpoint.Dial = s.wire.dial
	s.listen(t)
	conn := s.open(t, &Guard{})
	_, judge := conn.(connectors.Judge)
	_, describer := conn.(connectors.Describer)
	s.offers(t, conn)
	s.close(t, conn)
	s.warm(t)
	s.declare(t)
	t.Run("open", s.testOpen)
	if judge && target.SQL != nil {
		t.Run("judge", s.testJudge)
	}
	if describer {
		t.Run("describe", s.testDescribe)
	}
	for _, w := range s.powers[1:] {
		t.Run(string(w), s.parts()[w])
	}
	for _, p := range target.Proofs {
		s.prove(t, p.Power, proof{p.Property, p.Name, p.Test, false})
	}
	s.prove(t, ToSignIn, proof{NoSecret, "", s.testSecret, target.Secret == ""})
	t.Run("every property", s.testWhole)
}

// warm lets the impatient driver start what it keeps for all its connections, which
// would be taken for left over otherwise.
func (s *suite) warm(t *testing.T) {
	if s.Impatient == nil {
		return
	}
	conn, err := s.Impatient.Open(s.context(t), s.Endpoint, mask.NewSecret([]byte(s.Secret)), &Guard{said: &s.said})
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	s.alive(t, conn)
	s.close(t, conn)
}

// parts is the part of the suite for each power.
func (s *suite) parts() map[Power]func(t *testing.T) {
	return map[Power]func(t *testing.T){ToQuery: s.testQuery, ToExec: s.testExec, ToAttach: s.testAttach, ToRequest: s.testRequest, ToFiles: s.testFiles, ToForward: s.testForward}
}

// offers finds the powers of a connection. Each needs its part of the Target.
func (s *suite) offers(t *testing.T, conn connectors.Conn) {
	t.Helper()
	_, querier := conn.(connectors.Querier)
	_, executor := conn.(connectors.Executor)
	_, attacher := conn.(connectors.Attacher)
	_, requester := conn.(connectors.Requester)
	_, filer := conn.(connectors.Filer)
	_, forwarder := conn.(connectors.Forwarder)
	s.powers = []Power{ToSignIn}
	for _, p := range []struct {
		power      Power
		has, given bool
		part       string
	}{
		{ToQuery, querier, s.SQL != nil, "SQL"}, {ToExec, executor, s.Host != nil, "Host"}, {ToAttach, attacher, s.Host != nil, "Host"},
		{ToRequest, requester, s.Web != nil, "Web"}, {ToFiles, filer, s.Files != nil, "Files"}, {ToForward, forwarder, s.Forward != nil, "Forward"},
	} {
		without := s.Cannot[Property(p.power)] != ""
		switch {
		case p.has && without && !(p.given && p.part != "Host"):
			s.without = append(s.without, p.power)
		case p.has != p.given && (p.has || p.part != "Host"):
			t.Fatalf("kind %q: its connection offers %s: %v, but Target.%s is set: %v", s.Driver.Kind(), p.power, p.has, p.part, p.given)
		case p.has:
			s.powers = append(s.powers, p.power)
		}
	}
	if s.Host != nil && !executor && !attacher {
		t.Fatalf("kind %q: Target.Host is set, but its connection offers neither exec nor attach", s.Driver.Kind())
	}
}

type suite struct {
	Target
	wire *wire
	said said // everything that left the driver or was recorded

	powers  []Power      // that the connection offers
	without []Power      // that this target has not, as Target.Cannot says
	tried   map[key]bool // what was proved, or found wanting
	far     *farSide     // of what is forwarded
}

// patience bounds every wait of the suite. Nothing is measured by it: it only
// turns a hang into a failure.
const patience = 60 * time.Second

func (s *suite) context(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

func (s *suite) open(t testing.TB, g *Guard) connectors.Conn {
	t.Helper()
	g.said = &s.said
	conn, err := s.Driver.Open(s.context(t), s.Endpoint, mask.NewSecret([]byte(s.Secret)), g)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	return conn
}

func (s *suite) close(t testing.TB, conn connectors.Conn) {
	t.Helper()
	if err := conn.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
}

func (s *suite) testOpen(t *testing.T) {
	s.prove(t, ToSignIn, s.hostile()...)
	for _, f := range s.Faults {
		if f.Endpoint.Dial == nil {
			f.Endpoint.Dial = s.wire.dial
		}
		if p := s.exampleOf(f); p != "" {
			s.prove(t, ToSignIn, proof{p, f.Name, func(t *testing.T) { s.fault(t, f) }, false})
		} else {
			t.Run(f.Name, func(t *testing.T) { s.fault(t, f) })
		}
	}
	t.Run("notes its own statements first", func(t *testing.T) {
		g := &Guard{NoteErr: errors.New("recorder is full")}
		g.said = &s.said
		conn, err := s.Driver.Open(s.context(t), s.Endpoint, mask.NewSecret([]byte(s.Secret)), g)
		switch {
		case err != nil && len(g.Notes()) == 0:
			t.Errorf("open: %v, though nothing was noted", err)
		case err != nil && !errors.Is(err, g.NoteErr):
			t.Errorf("open: %v, want what Note returned: %v", err, g.NoteErr)
		case err == nil && len(g.Notes()) > 0:
			t.Error("Open went on although Note refused")
		}
		if err == nil {
			s.close(t, conn)
		}
	})
	s.prove(t, ToSignIn, proof{NothingLeaks, "", func(t *testing.T) {
		s.leakless(t, func() {
			for range 3 {
				s.close(t, s.open(t, &Guard{}))
			}
			conn := s.open(t, &Guard{})
			s.close(t, conn)
			_ = conn.Close() // twice is harmless
		})
	}, false})
}

// exampleOf is the property that a fault is an example of, "" for none.
func (s *suite) exampleOf(f Fault) Property {
	switch {
	case f.Want == connectors.ErrCredential && f.Secret != "" && f.Secret != s.Secret:
		return WrongPassword
	case f.Want == connectors.ErrUnreachable && s.Endpoint.Address == "":
		return Unreachable
	case f.Want == connectors.ErrProtocol && s.Endpoint.Address == "":
		return Malformed
	}
	return ""
}

func (s *suite) fault(t *testing.T, f Fault) {
	s.leakless(t, func() {
		err := s.enterAs(s.context(t), t, f.Endpoint, f.Secret)
		s.said.check(t, "", f.Secret)
		told(t, err, f.Want)
		if err != nil {
			s.said.check(t, err.Error(), f.Secret)
		}
	})
}

var sentinels = []error{
	connectors.ErrUnreachable, connectors.ErrCredential, connectors.ErrHostKey,
	connectors.ErrVanished, connectors.ErrProtocol, connectors.ErrUnsupported, connectors.ErrCanceled,
}

func (s *suite) testSecret(t *testing.T) {
	if s.said.len() == 0 {
		t.Fatal("nothing was collected to look through")
	}
	s.said.check(t, "", s.Secret)
}
