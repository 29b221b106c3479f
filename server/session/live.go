package session

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sallyport/sallyport/policy"
	"github.com/sallyport/sallyport/recorder"
)

// Live is a session that goes on now.
type Live struct {
	recorder.Head
	// Mine: it is the asker's own. MayEnd: the asker may end it.
	Mine, MayEnd bool
}

// Live lists the sessions that go on and that this person may see, newest first.
func (v *Visit) Live(ctx context.Context) ([]Live, error) {
	v.g.mu.Lock()
	ids := make([]recorder.ID, 0, len(v.g.live))
	for id := range v.g.live {
		ids = append(ids, id)
	}
	v.g.mu.Unlock()
	slices.Sort(ids)
	slices.Reverse(ids)
	var out []Live
	for _, id := range ids {
		h, err := v.g.o.Recorder.Head(ctx, id)
		if err != nil {
			return nil, fmt.Errorf("read transcripts: %w", err)
		}
		if o, ok := v.oversight(h); ok && h.Ended == nil {
			out = append(out, Live{h, v.owns(h), o.End})
		}
	}
	return out, nil
}

// End ends a live session: one's own, or that of somebody else where a role says
// end_sessions. Who and why is on record before, and is what the session's person
// reads. It returns when the session has ended.
func (v *Visit) End(ctx context.Context, id recorder.ID, why string) error {
	h, o, err := v.see(ctx, id)
	if err != nil {
		return err
	}
	v.g.mu.Lock()
	s := v.g.live[id]
	v.g.mu.Unlock()
	if s == nil {
		return &policy.Refusal{Reason: fmt.Sprintf("session %s is not live", id), Hint: "`sessions` lists those that are"}
	}
	why = strings.Join(strings.Fields(why), " ")
	if !v.owns(h) {
		if !o.End {
			return &policy.Refusal{Rule: policy.DefaultDeny, Reason: "you may see this session, and not end it: no role of yours there says end_sessions"}
		}
		if o.Reason && why == "" {
			return &ReasonNeeded{o.Role}
		}
	}
	a := recorder.Admin{Act: "session ended", By: v.v.Person(), From: v.v.From, Target: string(id)}
	text := "ended by " + v.v.Identity.Display()
	if why != "" {
		a.Details = map[string]string{"reason": why}
		text += ": " + why
	}
	if err := v.g.Journal(ctx, a); err != nil {
		return err
	}
	s.end(&Problem{Message: text, cause: errEndedBy})
	select {
	case <-s.ended:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

var errEndedBy = errors.New("ended by somebody")

// followEvery is how often a session that is watched is looked at. What is recorded
// is there at most recorder.Options.LeadTime after it was shown.
const followEvery = 100 * time.Millisecond

// Follow calls f for each event from number from on, and goes on until the
// transcript has ended, f fails, or ctx ends.
func (p *Player) Follow(ctx context.Context, from uint64, f func(recorder.Event) error) error {
	t := time.NewTicker(followEvery)
	defer t.Stop()
	for {
		events, err := p.Events(ctx, from, 256)
		if err != nil {
			return err
		}
		for _, e := range events {
			if err := f(e); err != nil {
				return err
			}
			if from = e.Seq + 1; e.Kind == recorder.KindEnd {
				return nil
			}
		}
		if len(events) > 0 {
			continue
		}
		select {
		case <-t.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
