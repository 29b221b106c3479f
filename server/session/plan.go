package session

import (
	"context"
	"fmt"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/policy"
	"github.com/sallyport/sallyport/recorder"
)

// Plan is the argv that a declared command would be with these parameters. Nothing
// runs; that it was asked is on record.
func (s *Session) Plan(ctx context.Context, text string) ([]string, error) {
	p, ok := s.conn.(connectors.Planner)
	if !ok {
		return nil, &policy.Refusal{Rule: policy.DefaultDeny, Reason: fmt.Sprintf("%q is no declared command", s.target.Name)}
	}
	argv, err := p.Plan(ctx, text)
	if err != nil {
		return nil, s.words(err)
	}
	if err := s.failed(s.transcript.Record(ctx, recorder.KindNote, recorder.Note{Text: "asked what would run, without running it: " + text})); err != nil {
		return nil, err
	}
	return argv, nil
}
