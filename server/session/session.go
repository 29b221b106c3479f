package session

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/mask"
	"github.com/sallyport/sallyport/policy"
	"github.com/sallyport/sallyport/recorder"
)

// Ask is a request for approval: with a reason, and with someone to be told of
// the approval that is waited for. Waiting may be nil and is called from the
// goroutine of the operation.
type Ask struct {
	Reason  string
	Waiting func(policy.Approval)
	// Wait bounds how long the requester waits; 0 is as long as the request lives,
	// negative is not at all.
	Wait time.Duration
	// Unmask names masked columns that the requester wants to see in clear in this
	// one answer: column, table.column or schema.table.column.
	Unmask []string
	// Later requests nothing: where a yes is needed, *policy.ApprovalNeeded says so.
	Later bool
}

// Session is one identity's access to one resource, from Open to Close.
type Session struct {
	g          *Gate
	v          Visitor
	who        atomic.Pointer[policy.Identity] // as last asked for; what is judged
	target     Target
	transcript *recorder.Transcript
	conn       connectors.Conn

	ctx   context.Context // ends with the session; its cause says why
	stop  context.CancelCauseFunc
	ended chan struct{}
	ops   atomic.Int64
	// holding is how many files wait for a yes.
	holding atomic.Int64
	// turn has room for a statement that begins or a catalog that is read.
	turn chan struct{}
	// running has room for the one operation that runs, files for those on files.
	running, files chan struct{}
	opened         time.Time
	lease          *lease
	screen         mask.Screen // of the terminal that is attached
	mu             sync.Mutex
	answer         *Answer // the last one, which may still be open
	// calls are those that may use the connection; while there are any, no estimate
	// begins.
	calls      int
	estimating *estimating     // outside of an operation, nil for none
	asked      map[*asked]bool // what was decided on and is not over
	// exit is the code with which a shell or command ended.
	exit  atomic.Pointer[int]
	close sync.Once
}

// Screen describes the terminal a session is shown on, for its header.
type Screen struct {
	Term          string
	Width, Height int
}

// Open opens a session for one action on a resource. ctx bounds the session's
// whole life: when it ends, so does the session. Errors are for people:
// *policy.Refusal, or what words() makes of a driver's error. The caller closes
// the Session.
func (v *Visit) Open(ctx context.Context, name string, action policy.Action, screen Screen) (*Session, error) {
	t, rules, err := v.target(ctx, name)
	if err != nil {
		return nil, err
	}
	driver, ok := v.g.drivers[t.Kind]
	if t.Unavailable != "" || !ok {
		return nil, unavailable(t, ok)
	}
	_, limits := mayOpen(v.view(rules), t.Resource)
	tr, err := v.g.o.Recorder.Begin(ctx, recorder.Header{
		Identity: v.v.Person(), Resource: t.Name, Kind: t.Kind, Action: string(action), From: v.v.From,
		Key: v.v.Key, Term: screen.Term, Width: screen.Width, Height: screen.Height, Policy: rules.Revision,
	})
	if err != nil {
		return nil, v.g.words(t.Name, err)
	}
	s := &Session{g: v.g, v: v.v, target: t, transcript: tr, ended: make(chan struct{}), turn: make(chan struct{}, 1), running: make(chan struct{}, 1), files: make(chan struct{}, maxFiles),
		opened: v.g.o.Now(), asked: map[*asked]bool{}}
	s.lease = newLease(v.g.o.Now, s.opened)
	s.who.Store(&v.v.Identity)
	s.ctx, s.stop = context.WithCancelCause(ctx)
	if err := v.g.enter(s, append(limits, v.ofAction(rules, t, action))...); err != nil {
		_ = tr.End(context.WithoutCancel(ctx), recorder.End{Reason: err.Error()})
		return nil, err
	}
	err = v.g.Journal(ctx, recorder.Admin{Act: "session opened", By: v.v.Person(), From: v.v.From, Target: string(tr.ID()),
		Details: map[string]string{"resource": t.Name, "action": string(action)}})
	if err == nil {
		s.rejudge() // the rules may have changed since they were asked
		err = s.connect(driver)
	}
	if err != nil {
		err = s.cause(err)
		s.finish(err)
		return nil, v.g.words(t.Name, err)
	}
	go s.watch()
	return s, nil
}

// connect fetches the credential, opens the connection, and forgets the
// credential.
func (s *Session) connect(d connectors.Driver) error {
	secret := mask.Secret{}
	if s.target.Secret != nil {
		var err error
		if secret, err = s.target.Secret.Get(s.ctx); err != nil {
			return err
		}
		defer secret.Destroy()
	}
	ctx, cancel := context.WithTimeout(s.ctx, openTimeout)
	defer cancel()
	e := s.target.Reach()
	e.For = s.v.Identity.Display() + " " + string(s.ID())
	for via := e.Via; via != nil; via = via.Endpoint.Via {
		via.Endpoint.For = e.For
	}
	e.Impersonate = s.impersonation()
	e.Borrows = s.mayLend()
	conn, err := d.Open(ctx, e, secret, &guard{s: s})
	if err != nil {
		return err
	}
	s.conn = conn
	return nil
}

// openTimeout bounds connecting and signing in at a target.
const openTimeout = 20 * time.Second

// watch ends the session when its connection, the recorder or the gate does, and
// when a limit or the time takes its right away.
func (s *Session) watch() {
	t := time.NewTimer(0)
	defer t.Stop()
	for s.ctx.Err() == nil {
		select {
		case <-s.ctx.Done():
		case <-s.g.o.Recorder.Failed():
			s.end(fmt.Errorf("%w: %w", recorder.ErrUnavailable, s.g.o.Recorder.Err()))
		case <-s.lease.tightened:
		case <-t.C:
			s.rejudge()
		}
		left, why := s.lease.left(rejudgeEvery)
		if why != nil {
			s.end(why)
		}
		t.Reset(left)
	}
	s.finish(context.Cause(s.ctx))
}

// end asks the session to end with a cause; the first cause counts.
func (s *Session) end(cause error) { s.stop(cause) }

// finish closes the connection and the transcript, once. The first cause counts:
// that of a client who is gone, say, over the closing that follows from it.
func (s *Session) finish(cause error) {
	s.close.Do(func() {
		s.stop(cause)
		cause = context.Cause(s.ctx)
		if s.conn != nil {
			_ = s.conn.Close() // its failure changes nothing: the transcript ends all the same
		}
		s.settle()
		s.seal(reason(cause))
		s.g.leave(s)
		close(s.ended)
	})
}

// settle waits for the outcome of what ran, which belongs before the end: its
// connection is closed already.
func (s *Session) settle() {
	s.mu.Lock()
	a := s.answer
	s.mu.Unlock()
	if a != nil {
		_ = a.Close()
	}
	late := time.After(sealTimeout)
	for range maxFiles {
		s.await(s.files, late)
	}
	s.await(s.running, late)
}

// await takes a place, of which nothing is given back any more.
func (s *Session) await(places chan<- struct{}, late <-chan time.Time) {
	select {
	case places <- struct{}{}:
	case <-late:
		s.g.o.Log.Error("operation did not end with its session", "transcript", s.ID())
	}
}

// seal ends the transcript and writes its head into the bastion's own. A
// recorder that cannot write has made itself known already.
func (s *Session) seal(why string) {
	ctx, cancel := context.WithTimeout(context.Background(), sealTimeout)
	defer cancel()
	if err := s.transcript.End(ctx, recorder.End{Reason: why, Exit: s.exit.Load()}); err != nil {
		s.g.o.Log.Error("transcript not sealed", "transcript", s.ID(), "err", err)
		return
	}
	h, err := s.g.o.Recorder.Head(ctx, s.ID())
	if err == nil {
		err = s.g.Journal(ctx, recorder.Admin{Act: "session closed", By: s.v.Person(), From: s.v.From, Target: string(s.ID()),
			Details: map[string]string{"reason": why, "head": fmt.Sprintf("%x", h.Hash), "events": fmt.Sprint(h.Next)}})
	}
	if err != nil {
		s.g.o.Log.Error("session's end not journalled", "transcript", s.ID(), "err", err)
	}
}

const sealTimeout = 10 * time.Second

// errClosed is the cause of a session that its own person left.
var errClosed = errors.New("closed")

// Close ends the session: what runs is cancelled at the target, and the
// transcript is sealed when Close returns.
func (s *Session) Close() error {
	s.finish(errClosed)
	<-s.ended
	return nil
}

// ID names the session's transcript.
func (s *Session) ID() recorder.ID { return s.transcript.ID() }

// Target is the resource.
func (s *Session) Target() Target { return s.target }

// Ended is closed when the session has ended, however it did. Err then says why
// in words; nil after Close.
func (s *Session) Ended() <-chan struct{} { return s.ended }

// Err is why the session ended.
func (s *Session) Err() error {
	cause := context.Cause(s.ctx)
	if cause == nil || errors.Is(cause, errClosed) {
		return nil
	}
	return s.words(cause)
}

// Warnings are things about the target's login that should be said aloud.
func (s *Session) Warnings() []string {
	if w, ok := s.conn.(interface{ Warnings() []string }); ok {
		return w.Warnings()
	}
	return nil
}

// Key records a key or a paste typed in a screen of ours.
func (s *Session) Key(k string) error {
	s.lease.touch()
	return s.failed(s.transcript.Stream(s.ctx, recorder.KindKey, []byte(k)))
}

// Resized records the terminal's new size.
func (s *Session) Resized(width, height int) error {
	s.screen.Resize(width, height)
	return s.failed(s.transcript.Record(s.ctx, recorder.KindResize, recorder.Resize{Width: width, Height: height}))
}

// failed ends the session when the recorder cannot write. A person who went
// away in the middle, or something too large to record, ends the operation alone.
func (s *Session) failed(err error) error {
	if errors.Is(err, recorder.ErrUnavailable) {
		s.end(err)
	}
	return err
}
