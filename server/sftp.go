package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"charm.land/ssh"
	"github.com/pkg/sftp"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/policy"
	"github.com/sallyport/sallyport/server/session"
	"github.com/sallyport/sallyport/tui/widget"
)

// sftp serves a channel's file transfer: the top folder holds the resources whose
// files this person may use, and below each are the target's own paths.
func (s *Server) sftp(sess ssh.Session) {
	ch := channelOf(sess)
	a := &access{s: s, ch: ch, c: ch.conn, sess: sess, ctx: ch.ctx}
	a.greet()
	if err := a.c.stuck(); err != nil {
		a.complain(err.Error(), "tell the bastion's administrator: its disk may be full")
		_ = sess.Exit(exitBastion) // the client may be gone
		return
	}
	v := a.visitor()
	if v == nil {
		_ = sess.Exit(a.signInForVerb(a.ctx)) // there is no terminal to sign in on
		return
	}
	f := &front{a: a, v: v, sessions: map[string]*resourceFiles{}, open: map[string][]*handle{}}
	defer f.close()
	h := sftp.Handlers{FileGet: f, FilePut: f, FileCmd: f, FileList: f}
	server := sftp.NewRequestServer(ch, h, sftp.WithRSMaxTxPacket(256<<10))
	err := server.Serve()
	if err != nil && !errors.Is(err, io.EOF) && a.ctx.Err() == nil {
		s.o.Log.Info("file transfer ended", "from", a.c.remote, "err", err)
	}
	_ = sess.Exit(exitOK) // the client may be gone
}

// front is one channel of file transfer.
type front struct {
	a *access
	v *session.Visit

	mu       sync.Mutex
	sessions map[string]*resourceFiles
	open     map[string][]*handle // by the client's path
	listings int                  // that are open
	said     []string
}

// resourceFiles is the session on one resource, opened at its first use.
type resourceFiles struct {
	once sync.Once
	s    *session.Session
	err  error
}

// maxSaid bounds what is told on stderr: programs try many things.
const maxSaid = 50

// say tells people once what a status of the protocol has no words for.
func (f *front) say(text string) {
	f.mu.Lock()
	known := slices.Contains(f.said, text) || len(f.said) >= maxSaid
	if !known {
		f.said = append(f.said, text)
	}
	f.mu.Unlock()
	if !known {
		fmt.Fprintln(f.a.sess.Stderr(), "sallyport: "+widget.Escape(text))
	}
}

// close ends the sessions, and with them what is still open.
func (f *front) close() {
	for _, r := range f.sessions {
		r.once.Do(func() { r.err = session.ErrClosing })
		if r.s != nil {
			_ = r.s.Close() // its error is nil by contract
		}
	}
}

// resourceOf cuts a client's path into the resource and the target's path.
func resourceOf(p string) (name, rest string) {
	name, rest, _ = strings.Cut(strings.TrimPrefix(path.Clean("/"+p), "/"), "/")
	return name, "/" + rest
}

// errSignedOut refuses what is asked for on a channel whose person is gone from its
// connection: by signing out, or because the key was forgotten.
var errSignedOut = &policy.Refusal{Rule: policy.DefaultDeny, Reason: "you are signed out here", Hint: "connect again"}

// present reports whether the connection is still this person's.
func (f *front) present() bool {
	v := f.a.c.visitor()
	return v != nil && v.Identity().Same(f.v.Identity())
}

// session is the open session on a resource.
func (f *front) session(name string) (*session.Session, error) {
	f.mu.Lock()
	r := f.sessions[name]
	f.mu.Unlock()
	if r == nil {
		f.a.c.recheck(f.a.ctx) // a channel may stand for long
	}
	if !f.present() {
		return nil, errSignedOut
	}
	if r == nil {
		if !slices.ContainsFunc(f.v.FileTargets(), func(t session.Target) bool { return t.Name == name }) {
			return nil, fs.ErrNotExist
		}
		f.mu.Lock()
		if r = f.sessions[name]; r == nil {
			r = &resourceFiles{}
			f.sessions[name] = r
		}
		f.mu.Unlock()
	}
	r.once.Do(func() { r.s, r.err = f.v.Open(f.a.ctx, name, policy.ActionFile, session.Screen{}) })
	if r.err != nil { // the next one may try again
		f.mu.Lock()
		if f.sessions[name] == r {
			delete(f.sessions, name)
		}
		f.mu.Unlock()
		return nil, r.err
	}
	return r.s, r.s.Err() // one that was ended stays so: its client connects anew
}

// ask has an operation approved that needs it: it waits, and says so. The reason is
// what the client sent as the variable SALLYPORT_REASON.
func (f *front) ask() *session.Ask {
	return &session.Ask{Reason: f.a.ch.reason, Waiting: func(p policy.Approval) {
		f.say(fmt.Sprintf("%s needs approval: request %s, rule %s, from %s; waiting until %s UTC", p.Statement, p.ID, p.Rule,
			strings.Join(p.Approvers, " or "), p.Expires.UTC().Format(time.TimeOnly)))
	}}
}

// do runs one operation on the resource and path of p.
func (f *front) do(p string, c connectors.FileCall) (connectors.FileAnswer, error) {
	name, rest := resourceOf(p)
	if name == "" {
		return connectors.FileAnswer{}, f.failed(p, errTop)
	}
	s, err := f.session(name)
	if err != nil {
		return connectors.FileAnswer{}, f.failed(p, err)
	}
	c.Path = rest
	a, err := s.File(f.a.ctx, f.ask(), c)
	return a, f.failed(p, err)
}

// errTop refuses what would change the list of resources.
var errTop = &policy.Refusal{Rule: policy.DefaultDeny, Reason: "the top folder is the list of what you may open; it holds no files"}

// statusError is an error as the protocol says it: with a code and with words, of
// which most clients show the code alone.
type statusError struct {
	code error
	text string
}

func (e *statusError) Error() string { return e.text }
func (e *statusError) Unwrap() error { return e.code }

// failed makes what the client is told of an error; what people must know of it is
// said on stderr, too.
func (f *front) failed(p string, err error) error {
	if err == nil {
		return nil
	}
	var refusal *policy.Refusal
	var needed *policy.ApprovalNeeded
	var target *connectors.TargetError
	code, hint, tell := error(sftp.ErrSSHFxFailure), "", true
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return err
	case errors.As(err, &refusal):
		code, hint = sftp.ErrSSHFxPermissionDenied, refusal.Hint
	case errors.As(err, &needed):
		code = sftp.ErrSSHFxPermissionDenied
	case errors.As(err, &target):
		tell = false
		switch target.Code {
		case "SSH_FX_NO_SUCH_FILE":
			return &fs.PathError{Op: "open", Path: p, Err: fs.ErrNotExist}
		case "SSH_FX_PERMISSION_DENIED":
			code = sftp.ErrSSHFxPermissionDenied
		default:
			tell = true
		}
	case errors.Is(err, connectors.ErrUnsupported):
		code = sftp.ErrSSHFxOpUnsupported
	}
	text := strings.ReplaceAll(p, "\n", " ") + ": " + err.Error()
	if tell {
		if hint != "" && !strings.Contains(hint, "--reason") {
			text += " (" + hint + ")"
		} else if hint != "" {
			text += " (give one: sftp -o 'SetEnv=SALLYPORT_REASON=\"...\"', and scp alike)"
		}
		f.say(text)
	}
	return &statusError{code, err.Error()}
}

// recovered keeps a panic in the operation that made it: the library's workers have
// nothing that would, and one panic would end everybody's sessions.
func (f *front) recovered(err *error) {
	if r := recover(); r != nil {
		f.a.s.o.Log.Error("panic in file transfer", "panic", fmt.Sprint(r), "stack", string(debug.Stack()))
		*err = &statusError{sftp.ErrSSHFxFailure, "internal error"}
	}
}

// legacyCopy refuses the copy protocol of old clients, which runs a program at the
// other side.
func legacyCopy(words []string) bool {
	return len(words) > 1 && words[0] == "scp" && slices.ContainsFunc(words[1:], func(w string) bool {
		return strings.HasPrefix(w, "-") && strings.ContainsAny(w, "tf")
	})
}

// subsystems are what a session channel can be besides a program.
func (s *Server) subsystems() map[string]ssh.SubsystemHandler {
	files := s.logged(s.recovered(s.sftp))
	return map[string]ssh.SubsystemHandler{"sftp": func(sess ssh.Session) { files(sess) }}
}

// handle is a file that is open for the client.
type handle struct {
	f    *front
	path string
	file *session.File
	gone error
}

// opened opens a file for the client.
func (f *front) opened(r *sftp.Request, do connectors.FileVerb) (*handle, error) {
	name, rest := resourceOf(r.Filepath)
	if name == "" {
		return nil, f.failed(r.Filepath, errTop)
	}
	s, err := f.session(name)
	if err != nil {
		return nil, f.failed(r.Filepath, err)
	}
	flags := r.Pflags()
	c := connectors.FileCall{Do: do, Path: rest}
	if do != connectors.ReadFile {
		c.Create, c.Exclusive, c.Truncate, c.Append = flags.Creat, flags.Excl, flags.Trunc, flags.Append
		if mode, ok := createMode(r); ok && c.Create {
			c.Set.Mode = &mode
		}
	}
	file, err := s.OpenFile(f.a.ctx, f.ask(), c)
	if err != nil {
		return nil, f.failed(r.Filepath, err)
	}
	h := &handle{f: f, path: r.Filepath, file: file}
	f.mu.Lock()
	f.open[h.path] = append(f.open[h.path], h)
	f.mu.Unlock()
	return h, nil
}

// writing is a file that is open under the path, nil for none.
func (f *front) writing(p string) *handle {
	f.mu.Lock()
	defer f.mu.Unlock()
	if all := f.open[p]; len(all) > 0 {
		return all[len(all)-1]
	}
	return nil
}

// ReadAt and WriteAt move content.
func (h *handle) ReadAt(b []byte, at int64) (n int, err error) {
	defer h.f.recovered(&err)
	n, err = h.file.ReadAt(b, at)
	if err == io.EOF {
		return n, io.EOF
	}
	return n, h.f.failed(h.path, err)
}

func (h *handle) WriteAt(b []byte, at int64) (n int, err error) {
	defer h.f.recovered(&err)
	n, err = h.file.WriteAt(b, at)
	return n, h.f.failed(h.path, err)
}

// TransferError is called before Close where the client went away.
func (h *handle) TransferError(error) {
	h.gone = fmt.Errorf("%w: the client went away", context.Canceled)
}

// Close ends the operation.
func (h *handle) Close() (err error) {
	defer h.f.recovered(&err)
	h.f.mu.Lock()
	h.f.open[h.path] = slices.DeleteFunc(h.f.open[h.path], func(o *handle) bool { return o == h })
	if len(h.f.open[h.path]) == 0 {
		delete(h.f.open, h.path)
	}
	h.f.mu.Unlock()
	if h.gone != nil {
		return h.file.Abort(h.gone)
	}
	return h.f.failed(h.path, h.file.Close())
}
