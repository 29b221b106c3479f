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

// Run proves the target's kind.
func Run(t *testing.T, target Target) {
	s := &suite{Target: target}
	s.wire = newWire(target.Endpoint)
	s.Endpoint.Dial = s.wire.dial
	conn := s.open(t, &Guard{})
	_, querier := conn.(connectors.Querier)
	_, judge := conn.(connectors.Judge)
	_, describer := conn.(connectors.Describer)
	_, executor := conn.(connectors.Executor)
	_, attacher := conn.(connectors.Attacher)
	_, requester := conn.(connectors.Requester)
	_, filer := conn.(connectors.Filer)
	s.close(t, conn)
	if requester != (target.Web != nil) {
		t.Fatalf("kind %q: is a Requester: %v, but Target.Web set: %v", target.Driver.Kind(), requester, !requester)
	}
	if filer != (target.Files != nil) {
		t.Fatalf("kind %q: is a Filer: %v, but Target.Files set: %v", target.Driver.Kind(), filer, !filer)
	}
	if querier != (target.SQL != nil) {
		t.Fatalf("kind %q: is a Querier: %v, but Target.SQL set: %v", target.Driver.Kind(), querier, !querier)
	}
	if (executor || attacher) != (target.Host != nil) {
		t.Fatalf("kind %q: is an Executor or Attacher: %v, but Target.Host set: %v", target.Driver.Kind(), executor || attacher, target.Host != nil)
	}
	t.Run("open", s.testOpen)
	if querier {
		t.Run("query", s.testQuery)
	}
	if judge && querier {
		t.Run("judge", s.testJudge)
	}
	if describer {
		t.Run("describe", s.testDescribe)
	}
	if executor {
		t.Run("exec", s.testExec)
	}
	if attacher {
		t.Run("attach", s.testAttach)
	}
	if requester {
		t.Run("request", s.testRequest)
	}
	if filer {
		t.Run("files", s.testFiles)
	}
	if target.Secret != "" {
		t.Run("secret stays secret", s.testSecret)
	}
}

type suite struct {
	Target
	wire *wire
	said said // everything that left the driver or was recorded
}

// patience bounds every wait of the suite. Nothing is measured by it: it only
// turns a hang into a failure.
const patience = 30 * time.Second

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
	if s.Endpoint.Address != "" {
		e := s.Endpoint
		e.Dial = unreachable
		s.testFault(t, Fault{"unreachable", e, s.Secret, connectors.ErrUnreachable})
	}
	for _, f := range s.Faults {
		if f.Endpoint.Dial == nil {
			f.Endpoint.Dial = s.wire.dial
		}
		s.testFault(t, f)
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
	t.Run("leaves nothing", func(t *testing.T) {
		s.leakless(t, func() {
			for range 3 {
				s.close(t, s.open(t, &Guard{}))
			}
			conn := s.open(t, &Guard{})
			s.close(t, conn)
			_ = conn.Close() // twice is harmless
		})
	})
}

func (s *suite) testFault(t *testing.T, f Fault) {
	t.Run(f.Name, func(t *testing.T) {
		s.leakless(t, func() {
			conn, err := s.Driver.Open(s.context(t), f.Endpoint, mask.NewSecret([]byte(f.Secret)), &Guard{said: &s.said})
			if err == nil {
				s.close(t, conn)
			}
			s.said.check(t, "", f.Secret)
			if !errors.Is(err, f.Want) {
				t.Errorf("open: %v, want %v", err, f.Want)
			}
			for _, other := range sentinels {
				if other != f.Want && errors.Is(err, other) {
					t.Errorf("open: %v is also %v: not distinct", err, other)
				}
			}
			if err != nil {
				s.said.check(t, err.Error(), f.Secret)
			}
		})
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
