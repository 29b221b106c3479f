package ssh

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
	"sync/atomic"

	"github.com/pkg/sftp"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/internal/filefacts"
	"github.com/sallyport/sallyport/policy"
)

// openFile is a file that is open at the target under a permit.
type openFile struct {
	c    *Conn
	at   located
	p    connectors.FilePermit
	s    *sftp.Client
	file *sftp.File
	down *connectors.Download // nil where it is not read
	up   *connectors.Upload   // nil where it is not written
	ctx  context.Context      // of the operation
	done context.CancelFunc
	// disturbed: its content was changed by another operation, too.
	disturbed atomic.Bool

	mu     sync.Mutex
	set    []string
	failed error // the first failure that was told
	once   sync.Once
	closed error
}

// OpenFile opens a file and looks again where it is, before a byte is moved.
func (c *Conn) OpenFile(ctx context.Context, g connectors.Guard, call connectors.FileCall) (connectors.OpenFile, error) {
	switch call.Do {
	case connectors.ReadFile, connectors.WriteFile, connectors.UpdateFile:
	default:
		return nil, fmt.Errorf("%w: %s", connectors.ErrUnsupported, call.Do)
	}
	s, err := c.sftp(ctx, g)
	if err != nil {
		return nil, err
	}
	at, err := c.resolve(ctx, s, call)
	if err != nil {
		return nil, err
	}
	p, err := g.Check(ctx, at.operation(c.login))
	if err != nil {
		return nil, err
	}
	o := &openFile{c: c, at: at, s: s}
	o.ctx, o.done = context.WithCancel(ctx)
	if err := o.open(p); err != nil {
		o.done()
		err = c.fileError(err)
		p.Done(connectors.Outcome{Err: err, Affected: -1, Unknown: at.changes() && c.cutOff(err)})
		return nil, err
	}
	context.AfterFunc(o.ctx, func() { _ = o.Abort(reason(context.Cause(o.ctx))) }) // closed already, where the operation is over
	return o, nil
}

func (o *openFile) open(p connectors.Permit) (err error) {
	fp, ok := p.(connectors.FilePermit)
	if !ok {
		return fmt.Errorf("%w: this gate has no way for the content of files", connectors.ErrUnsupported)
	}
	o.p = fp
	info := o.at.known.Path
	switch {
	case o.at.missing != nil:
		return o.at.missing
	case info != nil && !info.Mode().IsRegular():
		return &connectors.TargetError{Code: "SSH_FX_FAILURE", Text: "it is no regular file"}
	}
	if o.file, err = within(o.ctx, func() (*sftp.File, error) { return o.s.OpenFile(o.at.call.Path, o.flags()) }, func(f *sftp.File) { _ = f.Close() }); err != nil {
		return err
	}
	if err := o.again(); err != nil {
		_ = o.file.Close() // why it is closed counts
		return err
	}
	if o.at.call.Do != connectors.WriteFile {
		o.down = connectors.NewDownload(source{o.file}, fp, o.c.room)
	}
	if o.at.call.Do != connectors.ReadFile {
		o.up = connectors.NewUpload(o.file, o.at.call.Append, o.c.room)
		o.c.writers.add(o)
	}
	return nil
}

// again looks whether the path is still what was judged, and the open file what it
// leads to, and only then cuts the file off, where that was asked for.
func (o *openFile) again() error {
	r := resolver{o.ctx, o.s}
	real, info, err := r.resolve(o.at.call.Path, true)
	if err != nil {
		return err
	}
	if real != o.at.call.Path || info == nil || !info.Mode().IsRegular() {
		return errChanged
	}
	if was := o.at.known.Path; o.at.changes() && !o.at.call.Append && (was == nil || was.Size() == 0) && info.Size() > 0 {
		return errChanged // that nothing would be lost is how it was judged
	}
	_, err = within(o.ctx, func() (struct{}, error) {
		if same, err := isThat(o.file, info); err != nil || !same {
			return struct{}{}, cmp.Or(err, errChanged)
		}
		if mode := o.at.call.Set.Mode; mode != nil && o.at.known.Path == nil {
			if want := likeUmask(*mode, info.Mode()); want != info.Mode().Perm() {
				if err := o.file.Chmod(want); err != nil {
					return struct{}{}, err
				}
			}
		}
		if o.at.call.Truncate && info.Size() > 0 {
			return struct{}{}, o.file.Truncate(0)
		}
		return struct{}{}, nil
	}, nil)
	return err
}

// likeUmask is the permissions that a new file would have, had they been asked for
// when it was made: what the target took away from those it made it with, it would
// have taken from these.
func likeUmask(want, made fs.FileMode) fs.FileMode {
	gone := 0o666 &^ made.Perm()
	return want.Perm() &^ (gone | gone&0o444>>2) // who may not read may not run either
}

func (o *openFile) flags() int {
	c := o.at.call
	f := os.O_RDONLY
	switch c.Do {
	case connectors.WriteFile:
		f = os.O_WRONLY
	case connectors.UpdateFile:
		f = os.O_RDWR
	}
	// What was not there is made, and nothing else opened: a link that was put there
	// meanwhile is not followed. What was there is not made.
	create := c.Create && (c.Exclusive || o.at.known.Path == nil)
	for flag, is := range map[int]bool{os.O_CREATE: create, os.O_EXCL: create, os.O_APPEND: c.Append} {
		if is {
			f |= flag
		}
	}
	return f
}

// ReadAt reads what the requester may have of the file.
func (o *openFile) ReadAt(b []byte, at int64) (int, error) {
	if o.down == nil {
		return 0, fmt.Errorf("%w: it is not open for reading", connectors.ErrUnsupported)
	}
	n, err := o.down.ReadAt(b, at)
	if errors.Is(err, io.EOF) {
		return n, io.EOF
	}
	return n, o.fail(err)
}

// WriteAt writes to the target's file.
func (o *openFile) WriteAt(b []byte, at int64) (int, error) {
	if o.up == nil {
		return 0, fmt.Errorf("%w: it is not open for writing", connectors.ErrUnsupported)
	}
	n, err := o.write(b, at)
	return n, o.fail(err)
}

func (o *openFile) write(b []byte, at int64) (n int, err error) {
	defer broken(&err)
	return o.up.WriteAt(b, at)
}

// fail remembers the first failure, for the record, in the hub's words.
func (o *openFile) fail(err error) error {
	if err == nil {
		return nil
	}
	var refused *policy.Refusal
	switch {
	case errors.As(err, &refused):
	case o.ctx.Err() != nil: // which ended the stream, in words of ours
		err = reason(context.Cause(o.ctx))
	default:
		err = o.c.fileError(err)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.failed == nil {
		o.failed = err
	}
	return err
}

// Stat asks the target.
func (o *openFile) Stat() (fs.FileInfo, error) {
	// By its path: the open file is busy while its content streams.
	info, err := within(o.ctx, func() (fs.FileInfo, error) { return o.s.Lstat(o.at.call.Path) }, nil)
	return info, o.c.fileError(err)
}

// Set changes attributes of the open file.
func (o *openFile) Set(a connectors.FileAttributes) error {
	// Who asked to put something behind what the file holds did not ask to cut that off.
	cuts := a.Size != nil && o.at.call.Append
	if o.up == nil || cuts || a.Owner != nil || a.Unreadable || a.Mode != nil && *a.Mode&(fs.ModeSetuid|fs.ModeSetgid) != 0 {
		return fmt.Errorf("%w: that is an operation of its own", connectors.ErrUnsupported)
	}
	err := setter{
		mode: o.file.Chmod, size: o.file.Truncate,
		times: func() error { return o.s.Chtimes(o.at.call.Path, a.Accessed, a.Modified) }, // the library knows no other way
	}.set(a)
	if a.Size != nil {
		o.up.Resized(*a.Size)
	}
	if err != nil {
		return o.fail(err)
	}
	o.mu.Lock()
	o.set = append(o.set, filefacts.Attributes(a))
	o.mu.Unlock()
	return nil
}

// Close ends the operation.
func (o *openFile) Close() error { return o.end(nil) }

// Abort ends it for a requester who went away.
func (o *openFile) Abort(why error) error { return o.end(why) }

func (o *openFile) end(why error) error {
	o.once.Do(func() { o.closed = o.finish(why) })
	return o.closed
}

func (o *openFile) finish(why error) error {
	defer o.done()
	ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(o.ctx), o.c.options.Grace, errSlow)
	defer cancel()
	if o.down != nil {
		o.down.Close(ctx)
	}
	if o.up != nil {
		o.up.Close(ctx)
	}
	size := int64(-1)
	_, err := within(ctx, func() (struct{}, error) {
		if info, err := o.file.Stat(); err == nil {
			size = info.Size()
		}
		return struct{}{}, o.file.Close()
	}, nil)
	if ctx.Err() != nil {
		size = -1
	}
	err = o.c.fileError(err)
	o.mu.Lock()
	told, set := o.failed, o.set
	o.mu.Unlock()
	t := o.transfer(size)
	t.Set = set
	if o.up != nil {
		o.c.writers.remove(o)
		t.Whole = t.Whole && !o.disturbed.Load()
	}
	out := connectors.Outcome{Err: errors.Join(why, told, err), Affected: -1, File: &t}
	if why == nil && o.down != nil && o.down.Err() != nil && told == nil {
		out.Err = errors.Join(o.down.Err(), err)
	}
	out.Unknown = o.up != nil && o.c.cutOff(out.Err)
	o.p.Done(out)
	return err
}

// transfer is what was moved. Of a file that was read and written there is no one
// order.
func (o *openFile) transfer(size int64) connectors.Transfer {
	p := o.at.call.Path
	switch {
	case o.down == nil:
		return o.up.Transfer(p, size)
	case o.up == nil:
		return o.down.Transfer(p, size)
	}
	r, w := o.down.Transfer(p, size), o.up.Transfer(p, size)
	return connectors.Transfer{Path: p, Read: r.Read, Written: w.Written, Size: size, Unordered: true}
}
