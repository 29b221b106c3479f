//go:build unix

package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/policy"
)

// Exec plans the command, asks the guard with its argv, and runs it. Errors:
// *policy.Refusal for values that do not fit, the guard's as they are,
// connectors.ErrCanceled, *connectors.TargetError where the program cannot be run,
// or what a stream of the requester or the recorder said. Terms.Timeout ends it with
// connectors.ErrCanceled.
func (c *Conn) Exec(ctx context.Context, g connectors.Guard, command string, stdio connectors.Stdio) (connectors.Exit, error) {
	argv, err := Plan(c.declared, command)
	if err != nil {
		return connectors.Exit{}, err
	}
	p, err := g.Check(ctx, connectors.Operation{Action: policy.ActionExec, Text: Quote(argv), Login: c.as.name, Facts: facts(c.declared, argv)})
	if err != nil {
		return connectors.Exit{}, err
	}
	if !c.enter() { // while people were asked
		p.Done(connectors.Outcome{Err: connectors.ErrCanceled, Affected: -1})
		return connectors.Exit{}, connectors.ErrCanceled
	}
	defer c.runs.Done()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(c.ctx, func() { cancel(context.Cause(c.ctx)) })()
	if limit := p.Terms().Timeout; limit > 0 {
		var stop context.CancelFunc
		ctx, stop = context.WithTimeoutCause(ctx, limit, fmt.Errorf("the command ran longer than %s, which is the limit", limit))
		defer stop()
	}
	exit, err := c.run(ctx, p, argv, stdio)
	out := connectors.Outcome{Err: err, Affected: -1}
	if err == nil {
		out.Exit = &exit
	}
	p.Done(out)
	return exit, err
}

// run starts the program and moves its streams until it has ended.
func (c *Conn) run(ctx context.Context, p connectors.Permit, argv []string, raw connectors.Stdio) (connectors.Exit, error) {
	if ctx.Err() != nil {
		return connectors.Exit{}, canceled(ctx)
	}
	if raw.In == nil || !c.declared.Stdin {
		raw.In = strings.NewReader("")
	}
	stdio, flush := p.Stdio(raw)
	if stdio.Err == nil {
		stdio.Err = stdio.Out
	}
	r, err := c.start(argv)
	if err != nil {
		return connectors.Exit{}, connectors.SafeError(p.Seen(), false, err)
	}
	go feed(r.in, stdio.In)
	err = c.wait(ctx, r, stdio)
	if err == nil {
		err = flush()
	}
	if err != nil {
		return connectors.Exit{}, err
	}
	return ended(r.state), nil
}

// running is a program that runs.
type running struct {
	cmd      *exec.Cmd
	in       *os.File // nil without input
	out, err *os.File
	state    *os.ProcessState
}

// start runs this binary, which becomes the program.
func (c *Conn) start(argv []string) (*running, error) {
	var open files
	defer open.close()
	spec, secret := c.spec(argv)
	specR := open.fed(spec)
	statusR, statusW := open.pipe()
	inR, inW := open.pipe()
	outR, outW := open.pipe()
	errR, errW := open.pipe()
	extra := []*os.File{specR, statusW}
	if secret != nil {
		extra = append(extra, open.fed(secret))
	}
	if open.failed != nil {
		return nil, &connectors.TargetError{Text: "this machine has no room for another program"}
	}
	cmd := exec.Command(c.d.o.Child[0], c.d.o.Child[1:]...)
	cmd.Env, cmd.Dir = []string{}, "/"
	cmd.Stdin, cmd.Stdout, cmd.Stderr, cmd.ExtraFiles = inR, outW, errW, extra
	cmd.SysProcAttr = c.attributes()
	if err := cmd.Start(); err != nil {
		return nil, &connectors.TargetError{Text: "this machine cannot start another program"}
	}
	_ = statusW.Close() // the child has its own
	said, _ := io.ReadAll(io.LimitReader(statusR, 1000))
	if len(said) > 0 {
		_ = cmd.Wait() // it said why
		return nil, &connectors.TargetError{Text: string(said)}
	}
	open.keep(inW, outR, errR)
	return &running{cmd: cmd, in: inW, out: outR, err: errR}, nil
}

// spec is what the child becomes, and its secret.
func (c *Conn) spec(argv []string) (text, secret []byte) {
	s := spec{Argv: argv, Env: c.environment(), Dir: c.declared.Directory, Secret: !c.secret.Empty()}
	if s.Dir == "" {
		s.Dir = "/"
	}
	b := c.declared.Bounds
	s.Limits = []limit{{unix.RLIMIT_CORE, 0}}
	for _, l := range []limit{
		{unix.RLIMIT_CPU, uint64(b.CPU / time.Second)}, {unix.RLIMIT_FSIZE, uint64(b.FileSize)}, {unix.RLIMIT_NPROC, uint64(b.Processes)},
		{unix.RLIMIT_NOFILE, uint64(b.Files)}, {unix.RLIMIT_AS, uint64(b.Memory)},
	} {
		if l.Value > 0 {
			s.Limits = append(s.Limits, l)
		}
	}
	text, _ = json.Marshal(s) // it holds texts and numbers
	if s.Secret {
		secret = c.secret.Reveal()
	}
	return text, secret
}

func (c *Conn) environment() []string {
	env := slices.Clone(c.declared.Environment)
	for _, d := range []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8", "HOME=" + c.as.home, "USER=" + c.as.name} {
		name, _, _ := strings.Cut(d, "=")
		if !slices.ContainsFunc(env, func(e string) bool { return strings.HasPrefix(e, name+"=") }) {
			env = append(env, d)
		}
	}
	return env
}

func (c *Conn) attributes() *syscall.SysProcAttr {
	a := &syscall.SysProcAttr{Setsid: true} // with a group of its own, and no terminal
	if c.as.other {
		a.Credential = &syscall.Credential{Uid: c.as.uid, Gid: c.as.gid, Groups: c.as.groups}
	}
	return a
}

// files are descriptors that are closed unless they are kept.
type files struct {
	all    []*os.File
	failed error
}

func (f *files) pipe() (r, w *os.File) {
	r, w, err := os.Pipe()
	if err != nil {
		f.failed = err
		return nil, nil
	}
	f.all = append(f.all, r, w)
	return r, w
}

// fed is a pipe that holds the text. It is small enough for the pipe to take it.
func (f *files) fed(text []byte) *os.File {
	r, w := f.pipe()
	if f.failed != nil {
		return nil
	}
	if len(text) > 64<<10 {
		f.failed = errors.New("too long")
		return nil
	}
	_, f.failed = w.Write(text)
	_ = w.Close()
	return r
}

func (f *files) keep(these ...*os.File) {
	f.all = slices.DeleteFunc(f.all, func(g *os.File) bool { return slices.Contains(these, g) })
}

func (f *files) close() {
	for _, g := range f.all {
		_ = g.Close() // a pipe's end, with nothing in it that counts
	}
}

// wait moves the program's output, and returns when it has ended and all that it
// wrote was moved on, or why it was ended.
func (c *Conn) wait(ctx context.Context, r *running, to connectors.Stdio) error {
	o := &outputs{gone: make(chan struct{}), patience: c.d.o.Grace, moved: make(chan error, 2)}
	go func() {
		reap(r.cmd)
		close(o.gone)
	}()
	go o.pump(to.Out, r.out)
	go o.pump(to.Err, r.err)
	var why error
	end := func(cause error) {
		if why == nil {
			why = cause
			go terminate(r.cmd.Process.Pid, c.d.o.Grace, o.gone)
		}
	}
	left, done, leader := 2, ctx.Done(), o.gone
	var late <-chan time.Time // once it was ended: a requester who does not read is not waited for
	for leader != nil || left > 0 {
		select {
		case err := <-o.moved:
			if left--; err != nil {
				end(err)
			}
		case <-leader:
			leader = nil
			o.hurry(r.out, r.err)
		case <-done:
			done = nil
			end(canceled(ctx))
		case <-late:
			left = 0
		}
		if why != nil && leader == nil && late == nil {
			late = time.After(c.d.o.Grace)
		}
	}
	r.state = r.cmd.ProcessState
	for _, f := range []*os.File{r.in, r.out, r.err} {
		_ = f.Close() // a pipe's end, of which nothing more is wanted
	}
	return why
}

// outputs are the two outputs of a program on their way.
type outputs struct {
	gone     chan struct{} // the program has ended
	patience time.Duration
	moved    chan error // how each ended
}

// hurry bounds the reads that wait: what the program wrote is there by now, and
// a process that left its group may hold a pipe open for ever.
func (o *outputs) hurry(rs ...*os.File) {
	for _, r := range rs {
		_ = r.SetReadDeadline(time.Now().Add(o.patience)) // pipes have deadlines
	}
}

// pump moves one output until it ends. Its error is the requester's or the
// recorder's.
func (o *outputs) pump(w io.Writer, r *os.File) {
	b := make([]byte, 32<<10)
	for {
		n, err := r.Read(b)
		if n > 0 {
			if _, err := w.Write(b[:n]); err != nil {
				o.moved <- err
				return
			}
		}
		if err != nil {
			o.moved <- nil
			return
		}
		select {
		case <-o.gone:
			o.hurry(r)
		default:
		}
	}
}

// terminate ends a process group: asks, then makes it.
func terminate(pid int, grace time.Duration, gone <-chan struct{}) {
	select {
	case <-gone: // it was reaped, and its number may be another group's
		return
	default:
	}
	_ = syscall.Kill(-pid, syscall.SIGTERM) // it may have ended by itself
	t := time.NewTimer(grace)
	defer t.Stop()
	select {
	case <-gone:
	case <-t.C:
		_ = syscall.Kill(-pid, syscall.SIGKILL)
	}
}

func canceled(ctx context.Context) error {
	cause := context.Cause(ctx)
	if errors.Is(cause, context.Canceled) || errors.Is(cause, connectors.ErrCanceled) {
		return connectors.ErrCanceled
	}
	return fmt.Errorf("%w: %w", connectors.ErrCanceled, cause)
}

// feed moves input until it ends or the program reads no more. It is not waited
// for: a reader may wait for a key that never comes.
func feed(w *os.File, r io.Reader) {
	_, _ = io.Copy(w, r) // a program that reads no more is no fault
	_ = w.Close()
}

func ended(s *os.ProcessState) connectors.Exit {
	ws, ok := s.Sys().(syscall.WaitStatus)
	if ok && ws.Signaled() {
		return connectors.Exit{Signal: strings.TrimPrefix(unix.SignalName(ws.Signal()), "SIG")}
	}
	return connectors.Exit{Code: s.ExitCode()}
}
