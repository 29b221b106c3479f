package session

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/mask"
	"github.com/sallyport/sallyport/policy"
	"github.com/sallyport/sallyport/recorder"
	"github.com/sallyport/sallyport/recorder/export"
)

// babbler is a host whose command names the seed of what it says.
type babbler struct{}

func (babbler) Kind() string { return "ssh" }

func (babbler) Open(context.Context, connectors.Endpoint, mask.Secret, connectors.Guard) (connectors.Conn, error) {
	return babblerConn{}, nil
}

type babblerConn struct{}

func (babblerConn) Close() error { return nil }

// words are pieces of what a host says: text, values that are masked, and bytes
// that would drive a terminal.
var words = []string{"plain text ", "ann@example.com", "\r\n", "\x1b[31mred\x1b[0m", "\x1b]0;evil\x07", "\x1b]52;c;ZXZpbA==\x07", "\x9b2J", "\u009b2J",
	"\x1bP1$qm\x1b\\", "\xff\xfe", "日本語", "\u202eevil", "\x00\x07\x08", "bob@exam", "ple.com ", "\x1b[6n", strings.Repeat("long ", 40)}

func (babblerConn) Exec(ctx context.Context, g connectors.Guard, command string, raw connectors.Stdio) (connectors.Exit, error) {
	p, err := g.Check(ctx, connectors.Operation{Action: policy.ActionExec, Text: command, Facts: policy.Facts{Class: policy.Read, Statements: 1}})
	if err != nil {
		return connectors.Exit{}, err
	}
	var seed uint64
	if _, err := fmt.Sscanf(command, "babble %d", &seed); err != nil {
		return connectors.Exit{}, err
	}
	r := rand.New(rand.NewPCG(seed, 1))
	io_, flush := p.Stdio(raw)
	_, err = io.Copy(io.Discard, io_.In)
	for range r.IntN(12) {
		w := io_.Out
		if r.IntN(4) == 0 {
			w = io_.Err
		}
		if err == nil {
			_, err = io.WriteString(w, words[r.IntN(len(words))])
		}
	}
	err = errors.Join(err, flush())
	p.Done(connectors.Outcome{Err: err})
	return connectors.Exit{Code: int(seed % 3)}, err
}

// hostWorld is a world with the babbler, which alice and bob may use; alice's
// transcripts are seen by bob, who must say why and may end sessions.
func hostWorld(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.gate.drivers["ssh"] = babbler{}
	host := policy.Selector{Names: []string{"host"}}
	compiled, err := policy.Compile(policy.Roles{
		{Name: "work", Groups: []string{"engineering", "dba"}, Resources: host, Rules: []policy.Rule{{Name: "all", Allow: []string{"exec", "read"}, Binary: true}}},
		{Name: "lead", Groups: []string{"dba"}, Resources: host, Transcripts: "all", ReplayReason: true, EndSessions: true},
	}, policy.Masking{{Name: "looks", Resources: host, Detect: []string{"email"}}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.gate.Swap(t.Context(), Rules{Policy: compiled, Revision: "r2", Targets: map[string]Target{
		"host": {Resource: policy.Resource{Name: "host", Kind: "ssh", Revision: "v1"}}}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// said is what a client saw of a command.
type said struct{ in, out, err bytes.Buffer }

// babble runs one session.
func (w *world) babble(t *testing.T, seed int) (recorder.ID, *said) {
	s, err := w.visit(alice).Open(t.Context(), "host", policy.ActionExec, Screen{})
	if err != nil {
		t.Error(err)
		return "", nil
	}
	defer s.Close() // its error is nil by contract
	c := new(said)
	typed := strings.Repeat(fmt.Sprintf("line %d\x1b[A\n", seed), seed%5)
	c.in.WriteString(typed)
	exit, err := s.Exec(t.Context(), fmt.Sprintf("babble %d", seed), nil, connectors.Stdio{In: strings.NewReader(typed), Out: &c.out, Err: &c.err})
	if err != nil || exit.Code != seed%3 {
		t.Errorf("session %d: %+v, %v", seed, exit, err)
	}
	return s.ID(), c
}

// TestReplayEqualsWhatWasSeen: of 1,000 generated sessions, the bytes that the
// client sent and saw are those of the replay, and as text nothing of them can
// drive a terminal.
func TestReplayEqualsWhatWasSeen(t *testing.T) {
	w := hostWorld(t)
	const sessions, at = 1000, 50
	var wg sync.WaitGroup
	for worker := range at {
		wg.Go(func() {
			for seed := worker; seed < sessions; seed += at {
				id, c := w.babble(t, seed)
				if c != nil {
					w.equal(t, seed, id, c)
				}
			}
		})
	}
	wg.Wait()
}

func (w *world) equal(t *testing.T, seed int, id recorder.ID, c *said) {
	p, err := w.visit(alice).Replay(t.Context(), id, Access{})
	if err != nil {
		t.Error(err)
		return
	}
	var in, out, errs bytes.Buffer
	for e, err := range recorder.Events(t.Context(), 0, p.Events) {
		if err != nil {
			t.Error(err)
		}
		switch e.Kind {
		case recorder.KindInput:
			in.Write(e.Data)
		case recorder.KindOutput:
			out.Write(e.Data)
		case recorder.KindError:
			errs.Write(e.Data)
		}
	}
	for _, x := range []struct {
		what      string
		saw, kept []byte
	}{{"input", c.in.Bytes(), in.Bytes()}, {"output", c.out.Bytes(), out.Bytes()}, {"stderr", c.err.Bytes(), errs.Bytes()}} {
		if !bytes.Equal(x.saw, x.kept) {
			t.Errorf("session %d, %s:\nsaw  %q\nkept %q", seed, x.what, x.saw, x.kept)
		}
		if bytes.Contains(x.kept, []byte("ann@example.com")) {
			t.Errorf("session %d: %s is not masked: %q", seed, x.what, x.kept)
		}
	}
	var text bytes.Buffer
	if err := export.Text(&text, p.Head(), recorder.Events(t.Context(), 0, p.Events)); err != nil {
		t.Error(err)
	}
	for _, r := range text.String() {
		if r < 0x20 && r != '\n' && r != '\t' || r >= 0x7f && r < 0xa0 || r == '\u202e' {
			t.Errorf("session %d: %U in its text: %q", seed, r, text.String())
			return
		}
	}
	in2, err := p.Verify(t.Context())
	if err != nil || in2.Broken != "" || in2.Events != p.Head().Next || in2.Signed != 0 {
		t.Errorf("session %d: %+v, %v", seed, in2, err)
	}
}

// TestLooksAreOnRecord: who looks at another's transcript says why where asked,
// and the bastion's own transcript has it before the first byte.
func TestLooksAreOnRecord(t *testing.T) {
	w := hostWorld(t)
	id, _ := w.babble(t, 1)
	var need *ReasonNeeded
	if _, err := w.visit(bob).Replay(t.Context(), id, Access{Reason: " "}); !errors.As(err, &need) || need.Role != "lead" {
		t.Errorf("without a reason: %v", err)
	}
	var refusal *policy.Refusal
	if _, err := w.visit(dave).Replay(t.Context(), id, Access{Reason: "curious"}); !errors.As(err, &refusal) {
		t.Errorf("without a right: %v", err)
	}
	journal := func() string {
		return strings.Join(w.evidence(t, w.gate.o.Journal.ID(), recorder.KindAdmin), "\n")
	}
	if strings.Contains(journal(), `"act":"replay"`) {
		t.Error("a look that was refused is on record as one")
	}
	p, err := w.visit(bob).Replay(t.Context(), id, Access{Reason: "ticket 17"})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Note(t.Context(), "0:01", "odd"); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"act":"replay"`, `"target":"` + string(id) + `"`, `"reason":"ticket 17"`, `"act":"note"`, string(id) + `@0:01`, `"text":"odd"`} {
		if !strings.Contains(journal(), want) {
			t.Errorf("the journal has no %s:\n%s", want, journal())
		}
	}
}

// TestEndSession: by the owner, by who has end_sessions and says why; by nobody else.
func TestEndSession(t *testing.T) {
	w := hostWorld(t)
	open := func() *Session {
		s, err := w.visit(alice).Open(t.Context(), "host", policy.ActionExec, Screen{})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	s := open()
	for _, who := range []policy.Identity{alice, bob, dave} {
		live, err := w.visit(who).Live(t.Context())
		if want := !who.Same(dave); err != nil || (len(live) == 1) != want || want && !live[0].MayEnd {
			t.Errorf("%s sees %+v, %v", who.Email, live, err)
		}
	}
	var need *ReasonNeeded
	var refusal *policy.Refusal
	if _, err := w.visit(bob).Replay(t.Context(), s.ID(), Access{Act: "watch", Reason: "ticket 18"}); err != nil {
		t.Error(err)
	}
	if got := w.evidence(t, s.ID(), recorder.KindNote); !slices.ContainsFunc(got, func(n string) bool { return strings.Contains(n, "watch by bob@x.example") }) {
		t.Errorf("who watches is not on the session's own time line: %q", got)
	}
	if err := w.visit(bob).End(t.Context(), s.ID(), ""); !errors.As(err, &need) {
		t.Errorf("without a reason: %v", err)
	}
	if err := w.visit(dave).End(t.Context(), s.ID(), "x"); !errors.As(err, &refusal) {
		t.Errorf("without a right: %v", err)
	}
	if s.Err() != nil {
		t.Fatal("it was ended by who may not:", s.Err())
	}
	if err := w.visit(bob).End(t.Context(), s.ID(), "too\nlong"); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(s.Err()); got != "ended by bob@x.example: too long" {
		t.Errorf("alice reads %q", got)
	}
	if got := w.evidence(t, s.ID(), recorder.KindEnd); len(got) != 1 || !strings.Contains(got[0], "ended by bob@x.example: too long") {
		t.Errorf("the record ends with %q", got)
	}
	if err := w.visit(bob).End(t.Context(), s.ID(), "again"); !errors.As(err, &refusal) {
		t.Errorf("what has ended: %v", err)
	}
	own := open()
	if err := w.visit(alice).End(t.Context(), own.ID(), ""); err != nil {
		t.Errorf("one's own: %v", err)
	}
}

// TestKeptUpToASize: what goes beyond what is kept of one operation is shown, and on
// record as its size and hash, which a copy of it has too.
func TestKeptUpToASize(t *testing.T) {
	w := hostWorld(t)
	rules := *w.gate.rules.Load()
	rules.Limits.Kept = 100
	if _, err := w.gate.Swap(t.Context(), rules, nil); err != nil {
		t.Fatal(err)
	}
	cut := 0
	for seed := range 40 {
		id, c := w.babble(t, seed)
		kept, rest := map[string]int{}, map[string]int64{}
		events, err := w.rec.Read(t.Context(), id, 0, 1000)
		if err != nil {
			t.Fatal(err)
		}
		shown := map[string][]byte{"output": c.out.Bytes(), "stderr": c.err.Bytes()}
		for _, e := range events {
			of := map[recorder.Kind]string{recorder.KindOutput: "output", recorder.KindError: "stderr"}[e.Kind]
			var rows recorder.Rows
			switch {
			case of != "":
				kept[of] += len(e.Data)
			case e.Kind == recorder.KindRows && json.Unmarshal(e.Data, &rows) == nil && rows.Digest != nil:
				d := rows.Digest
				from := int64(kept[d.Of]) + rest[d.Of]
				sum := sha256.Sum256(shown[d.Of][from : from+d.Bytes])
				if d.SHA256 != hex.EncodeToString(sum[:]) {
					t.Errorf("session %d: the digest is not that of what was shown", seed)
				}
				rest[d.Of] += d.Bytes
				cut++
			}
		}
		for of, b := range shown {
			if int64(kept[of])+rest[of] != int64(len(b)) || kept["output"]+kept["stderr"] > 100 {
				t.Errorf("session %d, %s: %d kept and %d not of %d bytes", seed, of, kept[of], rest[of], len(b))
			}
		}
	}
	if cut == 0 {
		t.Error("nothing was beyond")
	}
}
