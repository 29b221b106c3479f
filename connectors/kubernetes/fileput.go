package kubernetes

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"sync"

	"github.com/sallyport/sallyport/connectors"
)

// upload is a file on its way into a container. It is written beside the file that it
// will be, under a name that nobody could know before, and takes its place when it is
// whole.
type upload struct {
	f    filer
	at   place // the file
	part place
	was  fs.FileInfo // what is there, nil for nothing

	pipe *io.PipeWriter
	ran  chan struct{} // closed when the writing program has ended
	how  *toolFailure
	err  error // of the way to it

	mu    sync.Mutex
	next  int64 // what was written
	ahead map[int64][]byte
	kept  int
}

// maxAhead bounds what waits for a gap to be filled, as clients have many writes under
// way.
const maxAhead = 16 << 20

// errOrder refuses content that is not written in order.
var errOrder = errWhole("writing parts of one")

func (f filer) upload(ctx context.Context, at place, was fs.FileInfo) (*upload, error) {
	u := &upload{f: f, at: at, part: at.with(path.Join(path.Dir(at.path), ".sallyport-"+rand.Text()+".part")), was: was, ran: make(chan struct{}), ahead: map[int64][]byte{}}
	r, w := io.Pipe()
	u.pipe = w
	go func() {
		u.how, u.err = f.run(ctx, at, r, nil, "dd", "of="+u.part.path, "bs=65536")
		_ = r.CloseWithError(errOver) // nobody reads any more
		close(u.ran)
	}()
	if err := f.still(ctx, u.part); err != nil { // before a byte is moved
		u.abort(ctx)
		if uerr := u.why(); uerr != nil {
			return nil, uerr
		}
		return nil, err
	}
	return u, nil
}

var errOver = errors.New("the program in the container has ended")

// WriteAt takes what comes next, and keeps what comes before its turn.
func (u *upload) WriteAt(b []byte, at int64) (int, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	switch {
	case len(b) == 0:
		return 0, nil
	case at < u.next, u.ahead[at] != nil, at > u.next && u.kept+len(b) > maxAhead:
		return 0, errOrder
	case at > u.next:
		u.ahead[at] = append([]byte(nil), b...)
		u.kept += len(b)
		return len(b), nil
	}
	if err := u.write(b); err != nil {
		return 0, err
	}
	for more := u.ahead[u.next]; more != nil; more = u.ahead[u.next] {
		delete(u.ahead, u.next)
		u.kept -= len(more)
		if err := u.write(more); err != nil {
			return 0, err
		}
	}
	return len(b), nil
}

func (u *upload) write(b []byte) error {
	n, err := u.pipe.Write(b)
	u.next += int64(n)
	if err == nil {
		return nil
	}
	<-u.ran
	return u.why()
}

// why is how the writing program ended, where that was not well.
func (u *upload) why() error {
	switch {
	case u.err != nil:
		return u.err
	case u.how != nil:
		return u.how.words()
	}
	return nil
}

// finish puts the whole file in its place with the attributes; nothing stays of one
// that is not whole: one that was there and is to be as long as what was written, or
// one that was not, or was to be cut off.
func (u *upload) finish(ctx context.Context, whole bool, a connectors.FileAttributes) (size int64, err error) {
	_ = u.pipe.Close()
	select {
	case <-u.ran:
	case <-ctx.Done():
		return -1, canceled(context.Cause(ctx))
	}
	to := a.Size
	a.Size = nil
	switch err = u.why(); {
	case err != nil:
	case !whole && to == nil, to != nil && *to != u.next:
		err = errOrder
	default:
		err = u.place(ctx, a)
	}
	if err != nil {
		u.discard(ctx)
		return -1, err
	}
	return u.next, nil
}

func (u *upload) place(ctx context.Context, a connectors.FileAttributes) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(u.ahead) > 0 {
		return errOrder
	}
	made, err := u.f.look(ctx, u.part, true)
	switch {
	case err != nil:
		return errChanged
	case made.Size() != u.next || !made.Mode().IsRegular():
		return &connectors.TargetError{Code: "SSH_FX_FAILURE", Text: fmt.Sprintf("of %d bytes %d arrived", u.next, made.Size())}
	}
	if err := u.f.change(ctx, u.part, u.like(made, a)); err != nil {
		return err
	}
	if err := u.f.tool(ctx, u.at, nil, nil, "mv", "-f", u.part.path, u.at.path); err != nil {
		return err
	}
	now, err := u.f.look(ctx, u.at, true)
	if err != nil || now.Size() != u.next || !now.Mode().IsRegular() {
		return errChanged
	}
	return nil
}

// like is the attributes for a file that takes another's place: the other's, but for
// those that are to be set.
func (u *upload) like(made fs.FileInfo, a connectors.FileAttributes) connectors.FileAttributes {
	if u.was == nil {
		return a
	}
	owner, _ := u.was.Sys().(*connectors.FileOwner)
	has, _ := made.Sys().(*connectors.FileOwner)
	if owner != nil && has != nil && *owner != *has {
		a.Owner = owner
	}
	if mode := u.was.Mode().Perm(); a.Mode == nil && mode != made.Mode().Perm() {
		a.Mode = &mode
	}
	return a
}

// abort leaves nothing of it.
func (u *upload) abort(ctx context.Context) {
	_ = u.pipe.CloseWithError(errOver)
	select {
	case <-u.ran:
	case <-ctx.Done():
	}
	u.discard(ctx)
}

// discard takes the part away, as far as the container still answers.
func (u *upload) discard(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), u.f.c.options.Grace)
	defer cancel()
	_ = u.f.tool(ctx, u.part, nil, nil, "rm", "-f", u.part.path)
}
