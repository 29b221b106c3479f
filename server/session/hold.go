package session

import (
	"context"
	"errors"
	"fmt"

	"github.com/sallyport/sallyport/policy"
	"github.com/sallyport/sallyport/recorder"
)

// Hold puts a transcript under legal hold, or ends that: retention leaves it alone
// meanwhile. It is an administrator's, and on record before it is done.
func (v *Visit) Hold(ctx context.Context, id recorder.ID, reason string, release bool) error {
	if !v.administers() {
		return &policy.Refusal{Rule: policy.DefaultDeny, Reason: "holds are for administrators",
			Hint: "an administrator has a role with transcripts: all over everything (names [\"*\"])"}
	}
	change, act := v.g.o.Recorder.Hold, "transcript held"
	if release {
		change, act = v.g.o.Recorder.Release, "transcript released"
	}
	person := v.v.Person()
	err := v.g.Journal(ctx, recorder.Admin{Act: act, By: person, From: v.v.From, Target: string(id), Details: map[string]string{"reason": reason}})
	if err != nil {
		return err
	}
	by := person.Email
	if by == "" {
		by = person.Subject
	}
	err = change(ctx, id, recorder.Hold{By: by, Reason: reason})
	if errors.Is(err, recorder.ErrNotFound) {
		return &policy.Refusal{Rule: policy.DefaultDeny, Reason: fmt.Sprintf("nothing to change: %v", err), Hint: "`transcripts` lists them"}
	}
	return err
}
