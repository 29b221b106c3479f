package server

import (
	"errors"
	"testing"

	"github.com/sallyport/sallyport/policy"
	"github.com/sallyport/sallyport/server/session"
)

// Who signs out, or whose key is forgotten, keeps no rights by a channel of file
// transfer that is open: it opens no further resource, and does nothing on one
// that it has.
func TestFileTransferOfSomebodySignedOut(t *testing.T) {
	f := &front{a: &access{c: &conn{}, ctx: t.Context()}, v: new(session.Gate).Visit(session.Visitor{}),
		sessions: map[string]*resourceFiles{"web-2": {}}}
	for _, name := range []string{"web-1", "web-2"} {
		var refused *policy.Refusal
		if _, err := f.session(name); !errors.As(err, &refused) || refused != errSignedOut {
			t.Errorf("%s: %v", name, err)
		}
	}
}
