package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/internal/filefacts"
	"github.com/sallyport/sallyport/policy"
)

// openFile is a file of a container that is open under a permit.
type openFile struct {
	f    filer
	at   place
	p    connectors.FilePermit
	info fs.FileInfo          // what was there, nil for nothing
	down *connectors.Download // nil where it is written
	up   *connectors.Upload   // nil where it is read
	to   *upload
	ctx  context.Context // of the operation
	end  context.CancelCauseFunc

	mu     sync.Mutex
	whole  bool // what is written is all of the file, without being cut off to that
	set    connectors.FileAttributes
	sets   []string
	failed error // the first failure that was told
	once   sync.Once
	closed error
}

// OpenFile opens a file to be read or written whole.
func (f filer) OpenFile(ctx context.Context, g connectors.Guard, call connectors.FileCall) (connectors.OpenFile, error) {
	at, err := parsePlace(call.Path)
	switch {
	case err != nil:
		return nil, err
	case !at.inside() || at.path == "/":
		return nil, errNotPlain
	case call.Do != connectors.ReadFile && call.Do != connectors.WriteFile:
		return nil, errWhole("changing parts of one")
	case call.Append:
		return nil, errWhole("appending to one")
	}
	p, err := g.Check(ctx, f.operation(call, at))
	if err != nil {
		return nil, err
	}
	o := &openFile{f: f, at: at}
	o.ctx, o.end = f.c.bound(ctx)
	if err := o.open(p, call); err != nil {
		o.end(nil)
		p.Done(connectors.Outcome{Err: connectors.SafeError(p.Kept(), false, err), Affected: -1})
		return nil, connectors.SafeError(p.Seen(), false, err)
	}
	context.AfterFunc(o.ctx, func() { _ = o.Abort(canceled(context.Cause(o.ctx))) }) // closed already, where the operation is over
	return o, nil
}

func (o *openFile) open(p connectors.Permit, call connectors.FileCall) error {
	fp, ok := p.(connectors.FilePermit)
	if !ok {
		return fmt.Errorf("%w: this gate has no way for the content of files", connectors.ErrUnsupported)
	}
	o.p = fp
	info, err := o.f.look(o.ctx, o.at, true)
	there := err == nil
	switch {
	case err != nil && (call.Do == connectors.ReadFile || err != error(errNoFile)):
		return err
	case there && !info.Mode().IsRegular():
		return errNotPlain
	}
	if there {
		o.info = info
	}
	if call.Do == connectors.ReadFile {
		o.down = connectors.NewDownload(archive{o.f, o.ctx, o.at}, fp, o.f.c.room)
		return nil
	}
	return o.write(call, there)
}

// write begins to write beside the file.
func (o *openFile) write(call connectors.FileCall, there bool) (err error) {
	switch {
	case !there && !call.Create:
		return errNoFile
	case there && call.Create && call.Exclusive:
		return &connectors.TargetError{Code: "SSH_FX_FAILURE", Text: "it is there already"}
	}
	o.whole = !there || call.Truncate || o.info.Size() == 0
	if o.to, err = o.f.upload(o.ctx, o.at, o.info); err != nil {
		return err
	}
	o.up = connectors.NewUpload(o.to, false, o.f.c.room)
	if m := call.Set.Mode; m != nil && !there {
		mode := m.Perm() &^ 0o022 // as most containers' umask has it
		o.set.Mode = &mode
	}
	return nil
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

// WriteAt writes what comes next.
func (o *openFile) WriteAt(b []byte, at int64) (int, error) {
	if o.up == nil {
		return 0, fmt.Errorf("%w: it is not open for writing", connectors.ErrUnsupported)
	}
	n, err := o.up.WriteAt(b, at)
	return n, o.fail(err)
}

// fail remembers the first failure, for the record.
func (o *openFile) fail(err error) error {
	if err == nil {
		return nil
	}
	var refused *policy.Refusal
	if !errors.As(err, &refused) {
		err = connectors.SafeError(o.p.Seen(), false, err)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.failed == nil {
		o.failed = err
	}
	return err
}

// Stat tells of the file that was there; of one that is written, how far that is.
func (o *openFile) Stat() (fs.FileInfo, error) {
	if o.to == nil {
		return o.info, nil
	}
	o.to.mu.Lock()
	defer o.to.mu.Unlock()
	return fileInfo{name: o.at.path, mode: 0o644, size: o.to.next}, nil
}

// Set keeps attributes for the file that will be there.
func (o *openFile) Set(a connectors.FileAttributes) error {
	if o.up == nil || a.Owner != nil || a.Unreadable || a.Mode != nil && *a.Mode&(fs.ModeSetuid|fs.ModeSetgid) != 0 {
		return fmt.Errorf("%w: that is an operation of its own", connectors.ErrUnsupported)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if a.Mode != nil {
		o.set.Mode = a.Mode
	}
	if a.Size != nil { // what scp says at the end, instead of at the beginning
		o.set.Size = a.Size
	}
	if !a.Modified.IsZero() {
		o.set.Accessed, o.set.Modified = a.Accessed, a.Modified
	}
	o.sets = append(o.sets, filefacts.Attributes(a))
	return nil
}

// Close ends the operation; a file that was written takes its place.
func (o *openFile) Close() error { return o.finish(nil) }

// Abort ends it for a requester who went away: nothing is written.
func (o *openFile) Abort(why error) error { return o.finish(why) }

func (o *openFile) finish(why error) error {
	o.once.Do(func() { o.closed = o.over(why) })
	return o.closed
}

func (o *openFile) over(why error) error {
	defer o.end(nil)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(o.ctx), o.f.c.options.Grace)
	defer cancel()
	if o.down != nil {
		return o.read(ctx, why)
	}
	o.up.Close(ctx)
	o.mu.Lock()
	told, set := o.failed, o.set
	o.mu.Unlock()
	size, err := int64(-1), error(nil)
	if why == nil && told == nil {
		// As long as it takes: the container has all of it then.
		size, err = o.to.finish(o.ctx, o.whole, set)
	} else {
		o.to.abort(ctx)
	}
	t := o.up.Transfer(o.at.String(), size)
	t.Set = o.sets
	o.p.Done(connectors.Outcome{Err: connectors.SafeError(o.p.Kept(), false, errors.Join(why, told, err)), Affected: -1, File: &t, Unknown: isVanished(err)})
	if told != nil && err == nil {
		return told
	}
	return connectors.SafeError(o.p.Seen(), false, err)
}

// read ends a file that was read.
func (o *openFile) read(ctx context.Context, why error) error {
	o.down.Close(ctx)
	o.mu.Lock()
	told := o.failed
	o.mu.Unlock()
	if why == nil && told == nil {
		told = o.down.Err()
	}
	t := o.down.Transfer(o.at.String(), o.info.Size())
	o.p.Done(connectors.Outcome{Err: connectors.SafeError(o.p.Kept(), false, errors.Join(why, told)), Affected: -1, File: &t})
	return nil
}
