package audit

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/sallyport/sallyport/recorder"
)

// mark is how far a sink is in one transcript: told up to next, to be told up to
// want; ended where nothing comes after that.
type mark struct {
	next, want uint64
	ended      bool
}

// follower tells one sink.
type follower struct {
	sink Sink
	log  *slog.Logger
	wake chan struct{} // 1

	mu    sync.Mutex
	marks map[recorder.ID]*mark
	queue []recorder.ID // those that are behind, each once
	since time.Time
	err   error
}

func newFollower(k Sink, log *slog.Logger) *follower {
	return &follower{sink: k, log: log, wake: make(chan struct{}, 1), marks: map[recorder.ID]*mark{}}
}

// note is Stream.Durable. Groups without anything to tell cost nothing, where the
// sink is up to date: they are not read.
func (f *follower) note(groups []recorder.Group) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, g := range groups {
		m := f.marks[g.ID]
		if m == nil {
			m = &mark{next: g.Events[0].Seq, want: g.Events[0].Seq}
			f.marks[g.ID] = m
		}
		for _, e := range g.Events {
			switch {
			case told(e.Kind):
				if m.want <= m.next {
					f.queue = append(f.queue, g.ID)
				}
				m.want, m.ended = e.Seq+1, e.Kind == recorder.KindEnd
			case m.want <= m.next && m.next == e.Seq:
				m.next = e.Seq + 1
			}
		}
	}
	f.hurry()
}

func (f *follower) hurry() {
	if len(f.queue) > 0 {
		select {
		case f.wake <- struct{}{}:
		default:
		}
	}
}

// begin takes the positions that were kept. What was noted before, or since the
// heads were read, is added.
func (f *follower) begin(at map[recorder.ID]uint64, heads []recorder.Head) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, h := range heads {
		m := &mark{next: min(at[h.ID], h.Next), want: h.Next, ended: h.Ended != nil}
		if noted := f.marks[h.ID]; noted != nil {
			m.want, m.ended = max(m.want, noted.want), m.ended || noted.ended
		}
		f.marks[h.ID] = m
	}
	f.queue = nil
	for _, id := range slices.Sorted(maps.Keys(f.marks)) {
		f.tidy(id)
		if m := f.marks[id]; m != nil && m.next < m.want {
			f.queue = append(f.queue, id)
		}
	}
	f.hurry()
}

// tidy forgets a transcript that has ended and was told.
func (f *follower) tidy(id recorder.ID) {
	if m := f.marks[id]; m != nil && m.ended && m.next >= m.want {
		delete(f.marks, id)
	}
}

// run tells until quit is closed and nothing is left, or ctx ends. What fails at
// the end, the next process does.
func (f *follower) run(ctx context.Context, quit <-chan struct{}, src Source, pos *positions) {
	saved := saver{pos: pos, sink: f.sink.Key, at: map[recorder.ID]uint64{}}
	defer func() {
		if err := saved.save(); err != nil {
			f.settle(batch{}, err)
		}
	}()
	wait := retryFirst
	for last := false; ; {
		b, err := f.gather(ctx, src)
		if err == nil && len(b.lines) > 0 {
			err = f.sink.Out.Send(ctx, b.lines)
		}
		if err == nil {
			err = saved.add(b.at)
		}
		f.settle(b, err)
		if err == nil && len(b.at) > 0 {
			wait = retryFirst
			continue
		}
		if last || ctx.Err() != nil {
			return
		}
		wake, pause := f.wake, saved.due()
		if err != nil {
			wake, pause = nil, time.After(wait)
			wait = min(2*wait, retryMost)
		}
		select {
		case <-wake:
		case <-pause:
		case <-quit:
			last = true
		case <-ctx.Done():
			return
		}
	}
}

// saver keeps positions once in a while.
type saver struct {
	pos  *positions
	sink string
	at   map[recorder.ID]uint64 // not kept yet
	last time.Time
}

func (s *saver) add(at map[recorder.ID]uint64) error {
	maps.Copy(s.at, at)
	if time.Since(s.last) < saveEvery {
		return nil
	}
	return s.save()
}

func (s *saver) save() error {
	s.last = time.Now()
	if len(s.at) == 0 {
		return nil
	}
	if err := s.pos.store(s.sink, s.at); err != nil {
		return fmt.Errorf("keep positions of the audit stream: %w", err)
	}
	clear(s.at)
	return nil
}

// due is when the next save is; never where there is nothing to save.
func (s *saver) due() <-chan time.Time {
	if len(s.at) == 0 {
		return nil
	}
	return time.After(max(0, saveEvery-time.Since(s.last)))
}

// batch is some lines, and where the sink is when it was told them.
type batch struct {
	lines [][]byte
	bytes int
	at    map[recorder.ID]uint64
}

// gather reads the next lines from the record.
func (f *follower) gather(ctx context.Context, src Source) (batch, error) {
	f.mu.Lock()
	ids := slices.Clone(f.queue[:min(len(f.queue), batchLines)])
	marks := map[recorder.ID]mark{}
	for _, id := range ids {
		marks[id] = *f.marks[id]
	}
	f.mu.Unlock()
	b := batch{at: map[recorder.ID]uint64{}}
	for _, id := range ids {
		if len(b.lines) >= batchLines || b.bytes >= batchBytes {
			break
		}
		if err := f.read(ctx, src, id, marks[id], &b); err != nil {
			return b, fmt.Errorf("read transcript %q: %w", id, err)
		}
	}
	return b, nil
}

// read adds the next lines of one transcript. What cannot be read any more is told
// as a gap; other failures are tried again.
func (f *follower) read(ctx context.Context, src Source, id recorder.ID, m mark, b *batch) error {
	add := func(l Line) {
		b.lines = append(b.lines, l.encoded)
		b.bytes += len(l.encoded)
	}
	h, err := src.Head(ctx, id)
	for next := m.next; err == nil && next < m.want; {
		var events []recorder.Event
		events, err = src.Read(ctx, id, next, int(min(m.want-next, batchLines)))
		for _, e := range events {
			if l, ok := line(h, e, f.sink.Statements); ok {
				add(l)
			}
			next = e.Seq + 1
		}
		if err == nil && len(events) == 0 {
			err = recorder.ErrCorrupt
		}
		b.at[id] = next
		if len(b.lines) >= batchLines || b.bytes >= batchBytes {
			return nil
		}
		m.next = next
	}
	if errors.Is(err, recorder.ErrNotFound) || errors.Is(err, recorder.ErrSealed) || errors.Is(err, recorder.ErrCorrupt) {
		add(gap(id, m.next, m.want, err.Error()))
		b.at[id] = m.want
		return nil
	}
	return err
}

// settle keeps how far the sink is, and says in the log when that changed its mood.
func (f *follower) settle(b batch, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err != nil {
		if f.err == nil {
			f.since = time.Now()
			f.log.Error("the audit stream is held up: it goes on from the record when this works again", "sink", f.sink.Name, "err", err)
		}
		f.err = err
		return
	}
	if f.err != nil && len(b.at) > 0 {
		f.log.Info("the audit stream goes on", "sink", f.sink.Name, "held up", time.Since(f.since).Round(time.Second), "transcripts behind", len(f.queue))
		f.err, f.since = nil, time.Time{}
	}
	for _, id := range slices.Sorted(maps.Keys(b.at)) {
		f.marks[id].next = max(f.marks[id].next, b.at[id])
	}
	f.queue = slices.DeleteFunc(f.queue, func(id recorder.ID) bool { return f.marks[id].next >= f.marks[id].want })
	for id := range b.at {
		f.tidy(id)
	}
}

func (f *follower) status() Status {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := Status{Sink: f.sink.Name, Behind: len(f.queue), Since: f.since, At: time.Now().UTC()}
	if f.err != nil {
		s.Error = f.err.Error()
	}
	return s
}
