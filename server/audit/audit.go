package audit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/sallyport/sallyport/recorder"
)

const (
	// batchLines and batchBytes bound what a sink is given at a time.
	batchLines = 256
	batchBytes = 1 << 20
	// retryFirst and retryMost bound the wait after a failure; it doubles.
	retryFirst = time.Second
	retryMost  = time.Minute
	// saveEvery is how old the positions may be: what a crash has told twice.
	saveEvery = time.Second
	// statusEvery is how old the status file may be.
	statusEvery = 10 * time.Second
	// lastTime is how long Close waits for sinks to be told the rest.
	lastTime = 5 * time.Second
)

// StatusFile says in the data directory how far each sink is, for who may not open
// the stores: JSON of []Status.
const StatusFile = "audit.json"

// Sink is one place that is told.
type Sink struct {
	// Name is for people, Key tells sinks apart, also in positions that are kept:
	// neither holds a secret.
	Name, Key string
	// Statements tells operations as typed.
	Statements bool
	// Out takes batches of lines, each ending in a newline.
	Out Out
}

// Out is where a sink's lines go. It is used by one goroutine, but for Reopen.
type Out interface {
	// Send returns nil when all lines are acknowledged. After an error the same lines
	// come again: a part of them may come twice.
	Send(ctx context.Context, lines [][]byte) error
	Close() error
}

// Reopener is an Out that holds a file which may be moved away.
type Reopener interface{ Reopen() }

// Source is the record, as *recorder.Recorder is.
type Source interface {
	Heads(ctx context.Context) ([]recorder.Head, error)
	Head(ctx context.Context, id recorder.ID) (recorder.Head, error)
	Read(ctx context.Context, id recorder.ID, from uint64, max int) ([]recorder.Event, error)
}

// Status is how far a sink is.
type Status struct {
	Sink string `json:"sink"`
	// Behind is how many transcripts have events that it was not told.
	Behind int `json:"behind"`
	// Since is when it failed first, Error what it failed with last.
	Since time.Time `json:"since,omitzero"`
	Error string    `json:"error,omitempty"`
	At    time.Time `json:"at"`
}

// Stream tells sinks. New makes one; Durable is what the recorder calls.
type Stream struct {
	dir    string
	pos    *positions
	log    *slog.Logger
	all    []*follower
	wg     sync.WaitGroup
	cancel context.CancelFunc
	quit   chan struct{}
	shut   sync.Once
	err    error
}

// New opens the positions in the data directory. It takes over the sinks: Close
// closes them, also when New fails.
func New(dir string, sinks []Sink, log *slog.Logger) (*Stream, error) {
	s := &Stream{dir: dir, log: log, quit: make(chan struct{}), cancel: func() {}}
	for _, k := range sinks {
		s.all = append(s.all, newFollower(k, log))
	}
	if len(sinks) == 0 {
		return s, nil
	}
	var err error
	if s.pos, err = openPositions(dir); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// Durable notes what became durable. It does not block, and is safe to call before
// Start.
func (s *Stream) Durable(groups []recorder.Group) {
	for _, f := range s.all {
		f.note(groups)
	}
}

// Start begins to tell, with what an earlier process did not get to.
func (s *Stream) Start(src Source) error {
	if len(s.all) == 0 {
		return nil
	}
	heads, err := src.Heads(context.Background())
	if err != nil && !errors.Is(err, recorder.ErrCorrupt) {
		return fmt.Errorf("audit stream: %w", err)
	}
	for _, f := range s.all {
		at, err := s.pos.load(f.sink.Key, heads)
		if err != nil {
			return err
		}
		f.begin(at, heads)
	}
	ctx, cancel := context.WithCancel(context.Background())
	s.cancel = cancel
	for _, f := range s.all {
		s.wg.Go(func() { f.run(ctx, s.quit, src, s.pos) })
	}
	s.wg.Go(s.report)
	return nil
}

// Status is how far the sinks are.
func (s *Stream) Status() []Status {
	var out []Status
	for _, f := range s.all {
		out = append(out, f.status())
	}
	return out
}

// Reopen makes files be opened anew with their next lines.
func (s *Stream) Reopen() {
	for _, f := range s.all {
		if r, ok := f.sink.Out.(Reopener); ok {
			r.Reopen()
		}
	}
}

// report keeps the status file.
func (s *Stream) report() {
	tick := time.NewTicker(statusEvery)
	defer tick.Stop()
	for {
		if err := s.writeStatus(); err != nil {
			s.log.Warn("status of the audit stream not written", "err", err)
		}
		select {
		case <-tick.C:
		case <-s.quit:
			return
		}
	}
}

func (s *Stream) writeStatus() error {
	b, err := json.MarshalIndent(s.Status(), "", "  ")
	path := filepath.Join(s.dir, StatusFile)
	if err == nil {
		err = os.WriteFile(path+".new", b, 0o600)
	}
	if err == nil {
		err = os.Rename(path+".new", path)
	}
	return err
}

// ReadStatus reads what a bastion on this data directory wrote last.
func ReadStatus(dir string) (all []Status, err error) {
	b, err := os.ReadFile(filepath.Join(dir, StatusFile))
	if err == nil {
		err = json.Unmarshal(b, &all)
	}
	return all, err
}

// Close tells the sinks the rest, waits a little for those that are behind, and
// ends. It comes before the recorder's: what that records last is told after the
// next start.
func (s *Stream) Close() error {
	s.shut.Do(func() {
		close(s.quit)
		stop := time.AfterFunc(lastTime, s.cancel)
		s.wg.Wait()
		stop.Stop()
		s.cancel()
		for _, f := range s.all {
			s.err = errors.Join(s.err, f.sink.Out.Close())
		}
		if s.pos != nil {
			s.err = errors.Join(s.err, s.writeStatus(), s.pos.close())
		}
	})
	return s.err
}

// Probe sees whether lines can be sent: a file is opened, others are sent one of
// event "check".
func Probe(ctx context.Context, out Out) error {
	if _, ok := out.(*File); ok {
		return out.Send(ctx, nil)
	}
	now := time.Now().UTC()
	return out.Send(ctx, [][]byte{Line{ID: "check/" + now.Format(time.RFC3339Nano), Time: now, Event: "check"}.encode().encoded})
}
