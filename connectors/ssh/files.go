package ssh

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"sync"

	"github.com/pkg/sftp"
	gossh "golang.org/x/crypto/ssh"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/internal/filefacts"
	"github.com/sallyport/sallyport/policy"
)

// files is the target's file service, started at its first use.
type files struct {
	mu     sync.Mutex
	client *sftp.Client
	names  *names // what is read of it
	broken error
}

var _ connectors.Filer = (*Conn)(nil)

// filesNote is on record before the first byte goes to the target's file service.
const filesNote = "sftp: the gate asks for realpath, lstat and readlink of the paths of each operation, to judge what they lead to"

// sftp returns the target's file service (SFTP version 3).
func (c *Conn) sftp(ctx context.Context, g connectors.Guard) (*sftp.Client, error) {
	c.files.mu.Lock()
	defer c.files.mu.Unlock()
	if c.files.client != nil || c.files.broken != nil {
		return c.files.client, c.files.broken
	}
	if err := g.Note(ctx, filesNote); err != nil {
		return nil, err
	}
	read := &names{most: maxNames}
	client, err := within(ctx, func() (*sftp.Client, error) { return c.startSFTP(read) }, func(s *sftp.Client) { _ = s.Close() })
	if err != nil {
		return nil, c.fileError(err)
	}
	c.files.client, c.files.names = client, read
	return client, nil
}

func (c *Conn) startSFTP(read *names) (*sftp.Client, error) {
	raw, incoming, err := c.client.OpenChannel("session", nil)
	if err != nil {
		return nil, err
	}
	go gossh.DiscardRequests(incoming)
	ok, err := raw.SendRequest("subsystem", true, gossh.Marshal(struct{ Name string }{"sftp"}))
	if err != nil || !ok {
		_ = raw.Close()
		return nil, errors.Join(err, &connectors.TargetError{Text: "the target has no file service (sftp)"})
	}
	go func() { _, _ = io.Copy(io.Discard, raw.Stderr()) }() // what it says beside is not for anybody
	read.r = raw
	s, err := sftp.NewClientPipe(read, raw, sftp.UseFstat(true), sftp.MaxConcurrentRequestsPerFile(64))
	if err != nil {
		_ = raw.Close()
		return nil, fmt.Errorf("%w: its file service: %w", connectors.ErrProtocol, err)
	}
	return s, nil
}

// within runs a call that knows no context. Once ctx has ended it is left behind,
// and what it still returns is undone.
func within[T any](ctx context.Context, call func() (T, error), undo func(T)) (T, error) {
	type result struct {
		v   T
		err error
	}
	done := make(chan result, 1)
	go func() {
		var r result
		defer func() { done <- r }()
		defer broken(&r.err)
		r.v, r.err = call()
	}()
	select {
	case r := <-done:
		return r.v, r.err
	case <-ctx.Done():
	}
	go func() {
		if r := <-done; r.err == nil && undo != nil {
			undo(r.v)
		}
	}()
	var zero T
	return zero, reason(context.Cause(ctx))
}

// File does one operation that is over when it returns.
func (c *Conn) File(ctx context.Context, g connectors.Guard, call connectors.FileCall) (connectors.FileAnswer, error) {
	run, ok := runs[call.Do]
	if !ok {
		return connectors.FileAnswer{}, fmt.Errorf("%w: %s", connectors.ErrUnsupported, call.Do)
	}
	s, err := c.sftp(ctx, g)
	if err != nil {
		return connectors.FileAnswer{}, err
	}
	at, err := c.resolve(ctx, s, call)
	if err != nil {
		return connectors.FileAnswer{}, err
	}
	p, err := g.Check(ctx, at.operation(c.login))
	if err != nil {
		return connectors.FileAnswer{}, err
	}
	if limit := p.Terms().Timeout; limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, limit, timeout(limit))
		defer cancel()
	}
	a, err := c.located(ctx, s, call, &at, run)
	elsewhere := errors.Is(err, errElsewhere)
	err = c.fileError(err)
	p.Done(connectors.Outcome{Err: err, Rows: int64(len(a.Entries)), Affected: -1,
		Unknown: at.changes() && (elsewhere || c.cutOff(err) || errors.Is(err, connectors.ErrCanceled))})
	return a, err
}

type runFile func(context.Context, *sftp.Client, connectors.FileCall) (connectors.FileAnswer, error)

// located runs a call where it was judged to lead.
func (c *Conn) located(ctx context.Context, s *sftp.Client, call connectors.FileCall, at *located, run runFile) (a connectors.FileAnswer, err error) {
	if at.missing != nil {
		return a, at.missing
	}
	if at.changes() {
		if err := c.still(ctx, s, call, at); err != nil {
			return a, err
		}
	}
	in, over := ctx, func() {}
	if call.Do == connectors.ListDir {
		in, over = c.files.names.listing(ctx)
	}
	a, err = within(in, func() (connectors.FileAnswer, error) { return run(in, s, at.call) }, nil)
	over()
	if at.changes() {
		c.writers.changed(at.call)
	}
	switch {
	case err != nil:
	case call.Do == connectors.ListDir:
		// Nobody sees what is elsewhere because a link was put in between.
		if real, _, rerr := (resolver{ctx, s}).resolve(at.call.Path, true); rerr != nil || real != at.call.Path {
			return connectors.FileAnswer{}, errors.Join(errChanged, rerr)
		}
	case at.changes():
		err = c.unmoved(ctx, s, at.call)
	}
	return a, err
}

// runs are the operations that are over when they return.
var runs = map[connectors.FileVerb]runFile{
	connectors.ListDir: func(ctx context.Context, s *sftp.Client, c connectors.FileCall) (a connectors.FileAnswer, err error) {
		a.Entries, err = s.ReadDirContext(ctx, c.Path)
		if err != nil && ctx.Err() != nil {
			err = reason(context.Cause(ctx))
		}
		return a, err
	},
	connectors.StatFile: func(_ context.Context, s *sftp.Client, c connectors.FileCall) (a connectors.FileAnswer, err error) {
		a.Info, err = s.Lstat(c.Path) // there is no link left in the path
		return a, err
	},
	connectors.LstatFile: func(_ context.Context, s *sftp.Client, c connectors.FileCall) (a connectors.FileAnswer, err error) {
		a.Info, err = s.Lstat(c.Path)
		return a, err
	},
	connectors.ReadLink: func(_ context.Context, s *sftp.Client, c connectors.FileCall) (a connectors.FileAnswer, err error) {
		a.Text, err = s.ReadLink(c.Path)
		return a, err
	},
	connectors.RemoveFile: nothing(func(s *sftp.Client, c connectors.FileCall) error { return removeFile(s, c.Path) }),
	connectors.RemoveDir:  nothing(func(s *sftp.Client, c connectors.FileCall) error { return s.RemoveDirectory(c.Path) }),
	connectors.MakeDir:    nothing(makeDir),
	connectors.RenameFile: nothing(rename),
	connectors.Symlink:    nothing(func(s *sftp.Client, c connectors.FileCall) error { return s.Symlink(c.To, c.Path) }),
	connectors.Hardlink:   nothing(func(s *sftp.Client, c connectors.FileCall) error { return s.Link(c.Path, c.To) }),
	connectors.SetStat:    nothing(func(s *sftp.Client, c connectors.FileCall) error { return setPath(s, c.Path, c.Set) }),
	connectors.StatVFS:    statVFS,
}

func nothing(do func(*sftp.Client, connectors.FileCall) error) runFile {
	return func(_ context.Context, s *sftp.Client, c connectors.FileCall) (connectors.FileAnswer, error) {
		return connectors.FileAnswer{}, do(s, c)
	}
}

// removeFile removes a file and nothing else: the library's Remove takes empty
// directories, too.
func removeFile(s *sftp.Client, p string) error {
	info, err := s.Lstat(p)
	if err != nil {
		return err
	}
	if info.IsDir() {
		return &connectors.TargetError{Code: "SSH_FX_FAILURE", Text: "it is a directory"}
	}
	return s.Remove(p)
}

func makeDir(s *sftp.Client, c connectors.FileCall) error {
	if err := s.Mkdir(c.Path); err != nil {
		return err
	}
	if c.Set.Mode == nil {
		return nil
	}
	made, err := s.Lstat(c.Path)
	if err != nil {
		return err
	}
	if want := made.Mode().Perm() & *c.Set.Mode; made.IsDir() && want != made.Mode().Perm() {
		return s.Chmod(c.Path, want) // clients ask for all, and leave it to the target to take away
	}
	return nil
}

func rename(s *sftp.Client, c connectors.FileCall) error {
	if c.Replace {
		return s.PosixRename(c.Path, c.To)
	}
	return s.Rename(c.Path, c.To)
}

func statVFS(_ context.Context, s *sftp.Client, c connectors.FileCall) (connectors.FileAnswer, error) {
	if _, ok := s.HasExtension("statvfs@openssh.com"); !ok {
		return connectors.FileAnswer{}, fmt.Errorf("%w: the target does not tell how full its file systems are", connectors.ErrUnsupported)
	}
	v, err := s.StatVFS(c.Path)
	if err != nil {
		return connectors.FileAnswer{}, err
	}
	return connectors.FileAnswer{VFS: &connectors.FileSystem{BlockSize: v.Bsize, FragmentSize: v.Frsize, Blocks: v.Blocks, Free: v.Bfree,
		Available: v.Bavail, Files: v.Files, FilesFree: v.Ffree, FilesAvailable: v.Favail, ID: v.Fsid, Flags: v.Flag, NameLength: v.Namemax}}, nil
}

// setter sets attributes of a path or of an open file.
type setter struct {
	mode  func(fs.FileMode) error
	owner func(user, group int) error
	size  func(int64) error
	times func() error
}

func (s setter) set(a connectors.FileAttributes) error {
	var errs []error
	if a.Size != nil {
		errs = append(errs, s.size(*a.Size))
	}
	if a.Owner != nil {
		errs = append(errs, s.owner(a.Owner.User, a.Owner.Group))
	}
	if a.Mode != nil {
		errs = append(errs, s.mode(*a.Mode))
	}
	if !a.Modified.IsZero() {
		errs = append(errs, s.times())
	}
	return errors.Join(errs...)
}

func setPath(s *sftp.Client, p string, a connectors.FileAttributes) error {
	return setter{
		mode:  func(m fs.FileMode) error { return s.Chmod(p, m) },
		owner: func(u, g int) error { return s.Chown(p, u, g) },
		size:  func(n int64) error { return s.Truncate(p, n) },
		times: func() error { return s.Chtimes(p, a.Accessed, a.Modified) },
	}.set(a)
}

// fileError is an error of the file service in the words of the hub. Its texts are
// the target's, about paths: they may hold what a path holds.
func (c *Conn) fileError(err error) error {
	var status *sftp.StatusError
	var said *connectors.TargetError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &said), errors.Is(err, connectors.ErrCanceled), errors.Is(err, connectors.ErrUnsupported), errors.Is(err, connectors.ErrProtocol):
		return err
	case c.ctx.Err() != nil:
		return c.gone()
	case errors.Is(err, fs.ErrNotExist):
		return &connectors.TargetError{Code: "SSH_FX_NO_SUCH_FILE", Text: "no such file or directory"}
	case errors.Is(err, fs.ErrPermission):
		return &connectors.TargetError{Code: "SSH_FX_PERMISSION_DENIED", Text: "the target denies permission"}
	case errors.As(err, &status) && status.FxCode() == sftp.ErrSSHFxOpUnsupported:
		return fmt.Errorf("%w: the target's file service cannot do it", connectors.ErrUnsupported)
	case errors.As(err, &status):
		return &connectors.TargetError{Code: "SSH_FX_FAILURE", Text: "the target could not do it"}
	case lost(err), errors.Is(err, sftp.ErrSSHFxConnectionLost):
		if err := c.there(); err != nil {
			return err
		}
		return connectors.ErrVanished // its file service alone
	}
	return fmt.Errorf("%w: its file service: %.200q", connectors.ErrProtocol, err.Error())
}

// located is an operation with the target's own paths.
type located struct {
	call    connectors.FileCall
	known   filefacts.Known
	missing error // why it cannot be: something on the way to a path is not there, say
}

func (l *located) operation(login string) connectors.Operation {
	return connectors.Operation{Action: policy.ActionFile, Text: filefacts.Text(l.call), Facts: filefacts.Of(l.call, l.known), Login: login}
}

// changes reports whether the operation changes something at the target.
func (l *located) changes() bool {
	switch l.call.Do {
	case connectors.ReadFile, connectors.ListDir, connectors.StatFile, connectors.LstatFile, connectors.ReadLink, connectors.StatVFS:
		return false
	}
	return true
}

// resolve finds what the paths of a call lead to.
func (c *Conn) resolve(ctx context.Context, s *sftp.Client, call connectors.FileCall) (located, error) {
	l := located{call: call, known: filefacts.Known{AskedPath: path.Clean(call.Path), AskedTo: path.Clean(call.To), Told: true}}
	r := resolver{ctx: ctx, s: s}
	follow := true
	switch call.Do {
	case connectors.LstatFile, connectors.ReadLink, connectors.RemoveFile, connectors.RemoveDir, connectors.MakeDir, connectors.RenameFile, connectors.Symlink, connectors.Hardlink:
		follow = false
	}
	var err error
	l.call.Path, l.known.Path, err = r.resolve(l.known.AskedPath, follow)
	if err == nil {
		switch call.Do {
		case connectors.RenameFile, connectors.Hardlink:
			if l.call.To, l.known.To, err = r.resolve(l.known.AskedTo, false); err == nil {
				err = r.carried(&l)
			}
		case connectors.Symlink:
			// What it leads to need not be there yet, but the directory must, so that it is
			// known where that is.
			l.known.LeadsTo, l.known.Leads, err = r.resolve(absolute(path.Dir(l.call.Path), call.To), true)
		}
	}
	if err == nil && c.manyNames() {
		for _, p := range []*string{&l.call.Path, &l.call.To, &l.known.LeadsTo} {
			if err == nil && *p != "" && (p != &l.call.To || call.Do != connectors.Symlink) {
				*p, err = c.spelled(ctx, s, *p)
			}
		}
	}
	var said *connectors.TargetError
	switch err = c.fileError(err); {
	case err == nil:
	case errors.As(err, &said):
		l.missing = err // it is judged all the same, by its text, and then cannot be
	default:
		return l, err
	}
	return l, nil
}

func absolute(dir, p string) string {
	if path.IsAbs(p) {
		return path.Clean(p)
	}
	return path.Join(dir, p)
}
