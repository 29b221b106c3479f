package kubernetes

import (
	"context"
	"errors"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/tools/remotecommand"
	"k8s.io/streaming/pkg/httpstream"
)

// A channel is opened by WebSocket, which is a GET, else by SPDY, which is a POST:
// servers before 1.30 know the second alone, and roles often allow create alone.

// fallsBack reports whether the other way may be open, by how the first was refused.
func fallsBack(err error) bool {
	var said *apierrors.StatusError
	return httpstream.IsUpgradeFailure(err) && (!errors.As(upgrade(err), &said) || apierrors.IsForbidden(said))
}

// refusedBoth is why neither way is open. What the second way's library says is the
// server's answer as it came; the first has the API's words.
func refusedBoth(first, second error) error {
	var said *apierrors.StatusError
	if second == nil || !noUpgrade(second) || !errors.As(upgrade(first), &said) {
		return second
	}
	told := *said
	told.ErrStatus.Message = strings.Replace(told.ErrStatus.Message, " cannot get resource", " cannot get or create resource", 1)
	return &told
}

// noUpgrade reports whether an error is the library's about an answer to SPDY, which it
// quotes.
func noUpgrade(err error) bool {
	return strings.Contains(err.Error(), "unable to upgrade connection")
}

// either is the executor that works.
type either struct{ first, second remotecommand.Executor }

func (e either) Stream(o remotecommand.StreamOptions) error {
	return e.StreamWithContext(context.Background(), o)
}

func (e either) StreamWithContext(ctx context.Context, o remotecommand.StreamOptions) error {
	err := e.first.StreamWithContext(ctx, o)
	if err == nil || !fallsBack(err) {
		return err
	}
	return refusedBoth(err, e.second.StreamWithContext(ctx, o))
}

// eitherDialer is the dialer that works.
type eitherDialer struct{ first, second httpstream.Dialer }

func (e eitherDialer) Dial(protocols ...string) (httpstream.Connection, string, error) {
	c, p, err := e.first.Dial(protocols...)
	if err == nil || !fallsBack(err) {
		return c, p, err
	}
	c, p, second := e.second.Dial(protocols...)
	return c, p, refusedBoth(err, second)
}

// maxWords bounds what a kubelet says of a failure.
const maxWords = 1000

func bounded(text string) string {
	return strings.TrimSpace(strings.ToValidUTF8(text[:min(len(text), maxWords)], ""))
}
