package session

import (
	"context"
	"fmt"
	"slices"

	"github.com/sallyport/sallyport/policy"
	"github.com/sallyport/sallyport/recorder"
)

// kindBastion is the kind of the bastion's own transcripts.
const kindBastion = "bastion"

// Transcripts lists those that this person may see, newest first.
func (v *Visit) Transcripts(ctx context.Context) ([]recorder.Head, error) {
	heads, err := v.g.o.Recorder.Heads(ctx)
	if err != nil {
		return nil, fmt.Errorf("read transcripts: %w", err)
	}
	heads = slices.DeleteFunc(heads, func(h recorder.Head) bool { return !v.maySee(h) })
	slices.Reverse(heads)
	return heads, nil
}

func (v *Visit) maySee(h recorder.Head) bool {
	if v.owns(h) {
		return true
	}
	r := v.g.rules.Load()
	var res policy.Resource
	if h.Header.Kind != kindBastion {
		res = policy.Resource{Name: h.Header.Resource, Kind: h.Header.Kind}
		if t, ok := r.Targets[h.Header.Resource]; ok {
			res = t.Resource
		}
	}
	owner := policy.Identity{Issuer: h.Header.Identity.Issuer, Subject: h.Header.Identity.Subject}
	_, ok := v.view(r).SeesTranscript(owner, res)
	return ok
}

// Player reads one transcript's events in order.
type Player struct {
	r    *recorder.Recorder
	head recorder.Head
}

// Replay opens a transcript. Opening one that is not the person's own is
// recorded in the bastion's own transcript first.
func (v *Visit) Replay(ctx context.Context, id recorder.ID) (*Player, error) {
	h, err := v.g.o.Recorder.Head(ctx, id)
	if err != nil || !v.maySee(h) {
		return nil, &policy.Refusal{
			Rule:   policy.DefaultDeny,
			Reason: fmt.Sprintf("no transcript %q that you may see", id),
			Hint:   "`transcripts` lists them",
		}
	}
	if !v.owns(h) {
		a := recorder.Admin{Act: "replay", By: v.v.Person(), From: v.v.From, Target: string(id)}
		if err := v.g.Journal(ctx, a); err != nil {
			return nil, err
		}
	}
	return &Player{v.g.o.Recorder, h}, nil
}

// Head describes the transcript.
func (p *Player) Head() recorder.Head { return p.head }

// Events returns up to max events from number from on; none at the end.
func (p *Player) Events(ctx context.Context, from uint64, max int) ([]recorder.Event, error) {
	return p.r.Read(ctx, p.head.ID, from, max)
}
