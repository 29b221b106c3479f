package recorder

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"time"
	"unicode/utf8"
)

// Transcript is one open transcript. It is safe for concurrent use; events are
// numbered in the order in which the calls are accepted.
type Transcript struct {
	r  *Recorder
	id ID

	// Guarded by r.mu.
	next   uint64
	end    *commit // the commit that the closing event is in, nil while open
	queue  []Event // in the gathering group
	now    load    // of queue
	flight load    // of what is being written

	// The writer goroutine's own: where the chain stands, what the log heard last,
	// and what was written since the transcript was packed.
	head     Head
	logged   uint64
	unpacked int
}

// load is what a transcript has accepted and not yet made durable.
type load struct {
	cost  int
	since time.Time // when the first of it was accepted, on the monotonic clock
}

// ID names it.
func (t *Transcript) ID() ID { return t.id }

// Record appends a discrete event: it is durable when Record returns nil.
// payload is marshalled to JSON. It starts a commit at once. Errors wrap
// ErrUnavailable, ErrEnded, ErrTooLarge, or the context's cause: then an event
// that was accepted already still becomes part of the transcript.
func (t *Transcript) Record(ctx context.Context, k Kind, payload any) error {
	if k == KindStart || k == KindEnd || k.stream() {
		return fmt.Errorf("record in %q: kind %d is not for Record", t.id, k)
	}
	data, err := marshal(payload)
	if err != nil {
		return fmt.Errorf("record in %q: %w", t.id, err)
	}
	c, err := t.accept(ctx, k, data, true)
	if err == nil {
		err = t.r.await(ctx, c)
	}
	if err != nil {
		return fmt.Errorf("record in %q: %w", t.id, err)
	}
	return nil
}

// Stream appends raw bytes of a stream (copied). It returns when accepted, and
// blocks while the stream leads the durable point by more than the options
// allow. Long data becomes several events. Errors wrap ErrUnavailable, ErrEnded,
// or the context's cause: then the data was accepted up to some point or not at
// all.
func (t *Transcript) Stream(ctx context.Context, k Kind, data []byte) error {
	if !k.stream() {
		return fmt.Errorf("record in %q: kind %d is not for Stream", t.id, k)
	}
	var last *commit
	for len(data) > 0 {
		n := t.r.piece(data)
		c, err := t.accept(ctx, k, bytes.Clone(data[:n]), t.r.sync)
		if err != nil {
			return fmt.Errorf("record in %q: %w", t.id, err)
		}
		last, data = c, data[n:]
	}
	if t.r.sync && last != nil {
		if err := t.r.await(ctx, last); err != nil {
			return fmt.Errorf("record in %q: %w", t.id, err)
		}
	}
	return nil
}

// End appends the closing event and waits until it is durable. Later calls of
// Record and Stream fail with ErrEnded; a second End waits for the first and is
// nil. Errors wrap ErrUnavailable or the context's cause: then the end still
// becomes part of the transcript.
func (t *Transcript) End(ctx context.Context, e End) error {
	data, err := marshal(e)
	if err != nil {
		return fmt.Errorf("end %q: %w", t.id, err)
	}
	t.r.mu.Lock()
	c := t.end
	t.r.mu.Unlock()
	if c == nil {
		c, err = t.accept(ctx, KindEnd, data, true)
	}
	if err == nil {
		err = t.r.await(ctx, c)
	}
	if err != nil {
		return fmt.Errorf("end %q: %w", t.id, err)
	}
	return nil
}

// accept waits for room and then numbers the event. It returns the commit that
// the event will be durable with; urgent starts that commit at once.
func (t *Transcript) accept(ctx context.Context, k Kind, data []byte, urgent bool) (*commit, error) {
	if len(data) > MaxData {
		return nil, fmt.Errorf("%w: %d bytes, the most is %d", ErrTooLarge, len(data), MaxData)
	}
	r := t.r
	r.mu.Lock()
	defer r.mu.Unlock()
	for {
		switch {
		case r.err != nil:
			return nil, r.err
		case t.end != nil && k == KindEnd:
			return t.end, nil
		case t.end != nil:
			return nil, ErrEnded
		case r.closing:
			return nil, fmt.Errorf("%w: %w", ErrUnavailable, errClosed)
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		}
		busy := t.full(k, len(data)+eventCost)
		if busy == nil {
			break
		}
		r.mu.Unlock()
		err := r.await(ctx, busy)
		r.mu.Lock()
		if err != nil {
			return nil, err
		}
	}
	c := t.push(k, data, urgent)
	switch k {
	case KindStart:
		r.open[t.id] = t
	case KindEnd:
		t.end = c
		delete(r.open, t.id)
	}
	return c, nil
}

// full returns the commit to wait for before an event of the cost can be
// accepted, nil when there is room. Called with r.mu held.
func (t *Transcript) full(k Kind, cost int) *commit {
	r := t.r
	full := r.waiting > 0 && r.waiting+cost > maxWaiting
	if k.stream() && !r.sync {
		have := t.now.cost + t.flight.cost
		oldest := t.flight.since
		if oldest.IsZero() {
			oldest = t.now.since
		}
		full = full || have > 0 && have+cost > r.o.LeadBytes ||
			!oldest.IsZero() && time.Since(oldest) >= r.o.LeadTime
	}
	if !full {
		return nil
	}
	if len(r.queued) > 0 {
		r.gather.hasten() // only commits make room
	}
	if r.flight != nil {
		return r.flight
	}
	return r.gather
}

// push puts an event into the gathering group. Called with r.mu held.
func (t *Transcript) push(k Kind, data []byte, urgent bool) *commit {
	r := t.r
	if len(t.queue) == 0 {
		r.queued = append(r.queued, t)
		t.now.since = time.Now()
	}
	t.queue = append(t.queue, Event{Seq: t.next, At: r.now(), Kind: k, Data: data})
	t.next++
	cost := len(data) + eventCost
	t.now.cost += cost
	r.waiting += cost
	r.gather.start()
	if urgent {
		r.gather.hasten()
	}
	return r.gather
}

// abandon ends a transcript that nobody got to hold. It does not wait, not even
// for room: its caller's time is up.
func (t *Transcript) abandon() {
	data, err := marshal(End{Reason: "abandoned"})
	t.r.mu.Lock()
	defer t.r.mu.Unlock()
	if err != nil || t.r.err != nil || t.end != nil {
		return
	}
	t.end = t.push(KindEnd, data, true)
	delete(t.r.open, t.id)
}

// stream says whether the kind is a stream's: raw bytes, led by Stream.
func (k Kind) stream() bool {
	return k == KindInput || k == KindOutput || k == KindError || k == KindKey
}

// piece returns how many bytes of data the next event of a stream takes: not
// more than it may lead, and cut between characters where there are any.
func (r *Recorder) piece(data []byte) int {
	limit := maxStream
	if !r.sync {
		limit = max(min(limit, r.o.LeadBytes-eventCost), utf8.UTFMax)
	}
	if len(data) <= limit {
		return len(data)
	}
	for n := limit; n > limit-utf8.UTFMax; n-- {
		if utf8.RuneStart(data[n]) {
			return n
		}
	}
	return limit
}

// marshal is JSON without HTML escaping: statements stay readable and short.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
