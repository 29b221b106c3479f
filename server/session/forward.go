package session

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/mask"
	"github.com/sallyport/sallyport/policy"
	"github.com/sallyport/sallyport/recorder"
)

// Forward connects the stream to an address that the target declares to reach,
// until either side or the session ends. It closes the stream.
func (s *Session) Forward(ctx context.Context, ask *Ask, address string, stream io.ReadWriteCloser) error {
	f, ok := s.conn.(connectors.Forwarder)
	if !ok {
		_ = stream.Close()
		return &policy.Refusal{Rule: policy.DefaultDeny, Reason: fmt.Sprintf("%q forwards no connections", s.target.Name)}
	}
	defer s.lease.work()()
	ctx, end := s.bound(ctx)
	defer end(context.Canceled)
	err := f.Forward(ctx, &guard{s: s, ask: ask, end: end}, address, stream)
	return s.words(s.because(ctx, err))
}

// Forward is the address, as the target sees it, that a resource declares to reach
// by the port. That somebody may open the resource is asked first: what it
// declares is nobody else's business.
func (v *Visit) Forward(ctx context.Context, name string, port uint32) (string, error) {
	t, _, err := v.target(ctx, name)
	if err != nil {
		return "", err
	}
	for _, address := range t.Endpoint.Forwards {
		if _, p, err := net.SplitHostPort(address); err == nil && p == strconv.Itoa(int(port)) {
			return address, nil
		}
	}
	err = v.g.Journal(ctx, recorder.Admin{Act: "forward refused", By: v.v.Person(), From: v.v.From, Target: name, Details: map[string]string{"port": strconv.Itoa(int(port))}})
	why := &policy.Refusal{Rule: policy.DefaultDeny, Reason: fmt.Sprintf("%q declares no forward to port %d", name, port)}
	return "", errors.Join(why, err)
}

// unreadable refuses a forward that the rule does not allow to carry what no detector
// can read.
func unreadable(op connectors.Operation, d policy.Decision) *policy.Refusal {
	if op.Action != policy.ActionForward || d.Effect == policy.Deny || d.Binary {
		return nil
	}
	return &policy.Refusal{Rule: d.Rule, Reason: "what goes through a forward cannot be read and masked, and the rule does not allow binary output",
		Hint: "ask for a rule that allows forward with binary: true"}
}

// on is the way to a target, nil for none.
func (t *Target) on() *connectors.Via {
	if t == nil {
		return nil
	}
	via := &connectors.Via{Endpoint: t.Reach(), Secret: func(context.Context) (mask.Secret, error) { return mask.Secret{}, nil }}
	if t.Secret != nil {
		via.Secret = t.Secret.Get
	}
	return via
}
