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
	// Which pod a name stands for may have to be asked first, as operations of their own.
	err := f.Forward(ctx, &lineGuard{s: s, ask: ask, end: end}, address, stream)
	return s.words(s.because(ctx, err))
}

// Forward is the resource that a forward's host names, and the address, as the target
// sees it, that the resource declares to reach by the port. That somebody may open the
// resource is asked first: what it declares is nobody else's business.
func (v *Visit) Forward(ctx context.Context, host string, port uint32) (name, address string, err error) {
	name, inside := v.inside(host)
	t, _, err := v.target(ctx, name)
	if err != nil {
		return "", "", err
	}
	switch {
	case inside != "" && len(t.Endpoint.Forwards) > 0:
		return name, net.JoinHostPort(inside, strconv.Itoa(int(port))), nil // the driver knows which pod it is
	case inside == "":
		for _, address := range t.Endpoint.Forwards {
			if _, p, err := net.SplitHostPort(address); err == nil && p == strconv.Itoa(int(port)) && t.Kind != kindKubernetes {
				return name, address, nil
			}
		}
	}
	err = v.g.Journal(ctx, recorder.Admin{Act: "forward refused", By: v.v.Person(), From: v.v.From, Target: host, Details: map[string]string{"port": strconv.Itoa(int(port))}})
	why := &policy.Refusal{Rule: policy.DefaultDeny, Reason: fmt.Sprintf("%q declares no forward to port %d", name, port)}
	if t.Kind == kindKubernetes {
		why = &policy.Refusal{Rule: policy.DefaultDeny, Reason: fmt.Sprintf("%q declares no such forward", name), Hint: "name a pod of it: ssh -L PORT:POD.NAMESPACE." + name + ":PORT"}
	}
	return "", "", errors.Join(why, err)
}

// inside splits a forward's host into a cluster and what is meant within it
// (POD.NAMESPACE.CLUSTER), or is the host with "". A cluster that is not open to this
// person is no cluster here: what there is, is not theirs to find out.
func (v *Visit) inside(host string) (name, inside string) {
	r := v.g.rules.Load()
	if _, ok := r.Targets[host]; ok {
		return host, ""
	}
	for i := range len(host) {
		if host[i] != '.' || i == 0 {
			continue
		}
		t, ok := r.Targets[host[i+1:]] // the longest name first
		if ok && t.Kind == kindKubernetes && v.view(r).MayOpen(t.Resource).Effect != policy.Deny {
			return t.Name, host[:i]
		}
	}
	return host, ""
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
