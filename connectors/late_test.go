package connectors_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sallyport/sallyport/connectors"
)

// TestOpenEnded: what ended an Open is told, and not what broke by it.
func TestOpenEnded(t *testing.T) {
	broke := errors.New("use of closed network connection")
	closing := errors.New("the bastion closes")
	synctest.Test(t, func(t *testing.T) {
		late, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		gone, leave := context.WithCancel(t.Context())
		leave()
		ended, end := context.WithCancelCause(t.Context())
		end(closing)
		<-late.Done()
		for name, c := range map[string]struct {
			ctx  context.Context
			err  error
			want error
			text string
		}{
			"its own":        {t.Context(), broke, broke, "use of closed"},
			"it went well":   {late, nil, nil, ""},
			"late":           {late, broke, connectors.ErrUnreachable, "in time"},
			"who asked left": {gone, broke, connectors.ErrCanceled, "cancelled"},
			"with a cause":   {ended, broke, connectors.ErrCanceled, "the bastion closes"},
		} {
			err := connectors.OpenEnded(c.ctx, c.err)
			if !errors.Is(err, c.want) || err != nil && !strings.Contains(err.Error(), c.text) {
				t.Errorf("%s: %v, want %v and %q", name, err, c.want, c.text)
			}
			if c.want != broke && errors.Is(err, broke) {
				t.Errorf("%s: %v tells what broke by it", name, err)
			}
		}
	})
}
