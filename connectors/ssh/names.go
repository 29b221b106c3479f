package ssh

import (
	"context"
	"encoding/binary"
	"io"
	"sync"

	"github.com/sallyport/sallyport/connectors"
)

// maxNames bounds what is held of the listings that are under way on a file service,
// in bytes as they come: half a million names, or so. A hostile one has no end.
const maxNames = 64 << 20

// errNames ends listings that are too long.
var errNames error = &connectors.TargetError{Code: "SSH_FX_FAILURE", Text: "the directory has more names than are listed here"}

// sshFxpName is the packet of names (draft-ietf-secsh-filexfer-02, section 7).
const sshFxpName = 104

// names reads a file service's answers, and counts those of names while something
// is listed: the library takes them all before it says anything.
type names struct {
	r io.Reader

	mu    sync.Mutex
	most  int64
	used  int64 // since a listing began while there was none
	under map[*context.CancelCauseFunc]bool
	head  [5]byte // of the packet at hand: its length, and its kind
	got   int     // of head
	left  int64   // of the packet, behind its head
}

// listing bounds a listing: what is returned ends with ctx, or when listings have
// become too long. The function says that it is over.
func (n *names) listing(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.under) == 0 {
		n.used, n.under = 0, map[*context.CancelCauseFunc]bool{}
	}
	n.under[&cancel] = true
	return ctx, func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		delete(n.under, &cancel)
		cancel(nil)
	}
}

// Read hands on what comes, and follows the packets in it.
func (n *names) Read(b []byte) (int, error) {
	m, err := n.r.Read(b)
	n.mu.Lock()
	defer n.mu.Unlock()
	n.follow(b[:m])
	return m, err
}

func (n *names) follow(b []byte) {
	for len(b) > 0 {
		if n.left > 0 {
			m := min(n.left, int64(len(b)))
			n.left -= m
			b = b[m:]
			continue
		}
		m := copy(n.head[n.got:], b)
		n.got += m
		b = b[m:]
		if n.got < len(n.head) {
			return
		}
		length := int64(binary.BigEndian.Uint32(n.head[:4]))
		n.got, n.left = 0, max(0, length-1)
		if n.head[4] == sshFxpName && len(n.under) > 0 {
			n.count(length)
		}
	}
}

func (n *names) count(length int64) {
	if n.used += length; n.used <= n.most {
		return
	}
	for cancel := range n.under {
		(*cancel)(&failure{errNames})
	}
}
