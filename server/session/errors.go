package session

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"errors"
	"fmt"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/policy"
	"github.com/sallyport/sallyport/recorder"
	"github.com/sallyport/sallyport/server/approval"
	"github.com/sallyport/sallyport/server/secret"
)

// Problem is an error with words for people. Everything that is not one of the
// known kinds of error is shown as an internal error with a reference, and
// logged whole.
type Problem struct {
	Message string
	Hint    string
	cause   error
}

func (p *Problem) Error() string { return p.Message }

// Unwrap gives the cause, for errors.Is; it is not for screens.
func (p *Problem) Unwrap() error { return p.cause }

// ErrUnavailable: the configuration says that the resource cannot be opened now.
var ErrUnavailable = errors.New("resource is unavailable")

var errApprovalNotFound = fmt.Errorf("%w", approval.ErrNotFound)

// words makes an error that may be shown out of err.
func (g *Gate) words(resource string, err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, secret.ErrMissing) || errors.Is(err, secret.ErrUnsafe) || errors.Is(err, secret.ErrUnreadable) {
		g.o.Log.Error("credential not to be had", "resource", resource, "err", err) // its text names the place, for administrators
	}
	if errors.Is(err, connectors.ErrMasking) {
		g.o.Log.Error("masking failed", "resource", resource, "err", err)
	}
	var refusal *policy.Refusal
	var needed *policy.ApprovalNeeded
	var target *connectors.TargetError
	var problem *Problem
	var line *connectors.LineError
	switch {
	case errors.As(err, &refusal):
		return refusal
	case errors.As(err, &needed):
		return needed
	case errors.As(err, &target):
		return target
	case errors.As(err, &problem):
		return problem
	case errors.As(err, &line):
		return line
	}
	for _, k := range known {
		if errors.Is(err, k.is) {
			return &Problem{Message: k.message(resource, err), Hint: k.hint, cause: err}
		}
	}
	return g.internal(err)
}

// knownError is a kind of error whose text may be shown.
type knownError struct {
	is   error
	hint string
	text string // "" shows the error's own text
}

var known = []knownError{
	{recorder.ErrUnavailable, "tell the bastion's administrator: its disk may be full", "recording is unavailable, so nothing can be opened"},
	{recorder.ErrTooLarge, "ask for less of it", "a row is too large to be recorded, so it is not shown"},
	{connectors.ErrHostKey, "tell the bastion's administrator: nothing was sent to the target", ""},
	{connectors.ErrCredential, "tell the bastion's administrator: the credential in the configuration is not accepted", ""},
	{connectors.ErrUnreachable, "is the target up? try again, or tell the bastion's administrator", ""},
	{connectors.ErrVanished, "open the resource again", ""},
	{connectors.ErrProtocol, "", ""},
	{connectors.ErrUnsupported, "", ""},
	{connectors.ErrMasking, "tell the bastion's administrator: this is a fault of the bastion", ""},
	{connectors.ErrCanceled, "", "cancelled"},
	{secret.ErrMissing, "tell the bastion's administrator", "its credential is missing"},
	{secret.ErrUnsafe, "tell the bastion's administrator", "its credential is not used: others can read it"},
	{secret.ErrUnreadable, "tell the bastion's administrator", "its credential cannot be read"},
	{approval.ErrTooMany, "", ""},
	{approval.ErrNotFound, "`approvals` lists them", ""},
	{ErrClosing, "connect again in a moment", ""},
	{context.DeadlineExceeded, "", "it took too long"},
	{context.Canceled, "", "cancelled"},
}

func (k knownError) message(resource string, err error) string {
	if k.text != "" {
		return fmt.Sprintf("%s: %s", resource, k.text)
	}
	return err.Error()
}

// internal hides an error behind a reference and logs it whole.
func (g *Gate) internal(err error) error {
	var b [5]byte
	rand.Read(b[:]) // never fails
	ref := base32.StdEncoding.EncodeToString(b[:])[:4]
	g.o.Log.Error("internal error", "ref", ref, "err", err)
	return &Problem{Message: "internal error, ref " + ref, Hint: "the bastion's log has the details under this reference", cause: err}
}

func unavailable(t Target, driver bool) error {
	why := t.Unavailable
	if !driver {
		why = fmt.Sprintf("this bastion does not speak %s", t.Kind)
	}
	return &Problem{Message: fmt.Sprintf("%s is unavailable: %s", t.Name, why), cause: ErrUnavailable}
}

// reason is a session's end in a few words, for its transcript.
func reason(cause error) string {
	switch {
	case cause == nil, errors.Is(cause, errClosed):
		return "closed"
	case errors.Is(cause, context.Canceled):
		return "disconnected"
	}
	return cause.Error()
}
