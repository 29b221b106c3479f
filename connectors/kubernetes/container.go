package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	nethttp "net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	gorilla "github.com/gorilla/websocket"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"k8s.io/client-go/tools/remotecommand"
	utilexec "k8s.io/client-go/util/exec"
	"k8s.io/streaming/pkg/httpstream"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/internal/shellfacts"
	"github.com/sallyport/sallyport/policy"
)

// program is what is to run in a container.
type program struct {
	namespace, pod, container string
	argv                      []string // none joins what runs there
	stdin, tty                bool
}

// line is the program as kubectl would be asked for it: what is judged, approved
// and recorded.
func (p program) line() []string {
	verb := "exec"
	if len(p.argv) == 0 {
		verb = "attach"
	}
	line := []string{"kubectl", verb, "-n", p.namespace, p.pod}
	if p.container != "" {
		line = append(line, "-c", p.container)
	}
	if p.stdin {
		line = append(line, "-i")
	}
	if p.tty {
		line = append(line, "-t")
	}
	if len(p.argv) > 0 {
		line = append(append(line, "--"), p.argv...)
	}
	return line
}

func (p program) target() string {
	q := url.Values{"stdout": {"true"}, "command": p.argv}
	sub := "exec"
	if len(p.argv) == 0 {
		sub = "attach"
	}
	if p.container != "" {
		q.Set("container", p.container)
	}
	if p.stdin {
		q.Set("stdin", "true")
	}
	if p.tty {
		q.Set("tty", "true")
	} else {
		q.Set("stderr", "true")
	}
	return "/api/v1/namespaces/" + url.PathEscape(p.namespace) + "/pods/" + url.PathEscape(p.pod) + "/" + sub + "?" + q.Encode()
}

// exec runs a program in a container, with a terminal as an interactive session,
// without one as a command, and returns how it ended. The program's streams are
// those of the permit. When ctx ends, its connection does. Whether the program dies
// of that is its runtime's business: one on a terminal loses it, but a command that
// neither reads nor writes goes on until it does, as Kubernetes has no way to end it.
func (c *Conn) exec(ctx context.Context, g connectors.Guard, p program, t connectors.Terminal) (connectors.Exit, error) {
	line := p.line()
	op := connectors.Operation{Action: policy.ActionExec, Text: quote(line), Login: c.login, Facts: Kubectl(line[1:])}
	if p.tty || len(p.argv) == 0 {
		op.Action = policy.ActionShell
		op.Facts.Opaque = true
	} else if f := shellfacts.Command(p.argv); f.Class != policy.Unknown {
		op.Facts.Commands = f.Commands
	}
	permit, err := g.Check(ctx, op)
	if err != nil {
		return connectors.Exit{}, err
	}
	ctx, end := c.bound(ctx)
	defer end(nil)
	if limit := permit.Terms().Timeout; limit > 0 && op.Action == policy.ActionExec {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, limit, fmt.Errorf("the command ran longer than %s, which is the limit", limit))
		defer cancel()
	}
	exit, started, err := c.stream(ctx, end, permit, p, t)
	o := connectors.Outcome{Err: connectors.SafeError(permit.Kept(), false, err), Unknown: started && isVanished(err), Affected: -1}
	if err == nil {
		o.Exit = &exit
	}
	permit.Done(o)
	return exit, connectors.SafeError(permit.Seen(), false, err)
}

// stream connects the streams and waits for the end.
func (c *Conn) stream(ctx context.Context, fail context.CancelCauseFunc, permit connectors.Permit, p program, t connectors.Terminal) (connectors.Exit, bool, error) {
	x, err := c.executor(p)
	if err != nil {
		return connectors.Exit{}, false, err
	}
	var over atomic.Bool
	raw := t.Stdio
	if p.tty {
		raw.Err = nil
	}
	if raw.In == nil || !p.stdin {
		raw.In = none{}
	}
	raw.In = &until{r: raw.In, over: &over}
	guarded, flush := permit.Stdio(raw)
	out := &gate{w: guarded.Out, fail: fail}
	o := remotecommand.StreamOptions{Stdout: out, Tty: p.tty}
	errs := out
	if !p.tty {
		errs = &gate{w: guarded.Err, fail: fail}
		o.Stderr = errs
	}
	if p.stdin {
		o.Stdin = guarded.In
	}
	sizes := make(chan struct{})
	if p.tty {
		o.TerminalSizeQueue = &sizeQueue{first: t.Size, next: t.Resize, over: sizes}
	}
	err = x.StreamWithContext(ctx, o)
	over.Store(true)
	close(sizes)
	shut := make(chan error, 1)
	go func() {
		out.close()
		errs.close()
		shut <- flush()
	}()
	wait := time.NewTimer(c.options.Grace)
	defer wait.Stop()
	select {
	case ferr := <-shut:
		if ferr != nil && context.Cause(ctx) == nil {
			return connectors.Exit{}, true, ferr
		}
	case <-wait.C: // a requester who does not read: its last Write is left to end by itself
	}
	return ended(ctx, err)
}

// executor speaks WebSocket first, and SPDY with servers that know no other.
func (c *Conn) executor(p program) (remotecommand.Executor, error) {
	if c.dialed {
		return nil, fmt.Errorf("%w: exec and attach need a plain way to the API server", connectors.ErrUnsupported)
	}
	at := c.cfg.Host + p.target()
	u, err := url.Parse(at)
	if err != nil {
		return nil, fmt.Errorf("%w: the pod's name cannot be read", connectors.ErrUnsupported)
	}
	ws, err := remotecommand.NewWebSocketExecutor(c.cfg, nethttp.MethodGet, at)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", connectors.ErrCredential, err)
	}
	spdy, err := remotecommand.NewSPDYExecutor(c.cfg, nethttp.MethodPost, u)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", connectors.ErrCredential, err)
	}
	return either{ws, spdy}, nil
}

// upgrade is why a connection was not upgraded.
func upgrade(err error) error {
	var u *httpstream.UpgradeFailureError
	if errors.As(err, &u) {
		return u.Cause
	}
	return err
}

// ended is what the end of a stream means. started says that the program may have
// run.
func ended(ctx context.Context, err error) (exit connectors.Exit, started bool, _ error) {
	var code utilexec.CodeExitError
	var said *apierrors.StatusError
	var closed *gorilla.CloseError
	var op *net.OpError
	switch {
	case err == nil:
		return exit, true, nil
	case errors.As(err, &code):
		return connectors.Exit{Code: code.Code}, true, nil
	case context.Cause(ctx) != nil:
		return exit, true, canceled(context.Cause(ctx))
	case errors.As(upgrade(err), &said) && said.ErrStatus.Code == nethttp.StatusUnauthorized:
		return exit, false, errUnauthorized
	case errors.As(upgrade(err), &said):
		return exit, false, &connectors.TargetError{Code: string(said.ErrStatus.Reason), Text: said.ErrStatus.Message}
	case errors.As(err, &closed), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.As(err, &op) && op.Op != "dial", strings.Contains(err.Error(), "websocket: close"):
		return exit, true, connectors.ErrVanished
	case errors.As(err, &op):
		return exit, false, failed(ctx, err)
	case httpstream.IsUpgradeFailure(err), noUpgrade(err):
		return exit, false, fmt.Errorf("%w: it opens no channel, and its answer is withheld", connectors.ErrProtocol)
	}
	return exit, true, &connectors.TargetError{Code: "exec", Text: bounded(err.Error())}
}

// sizeQueue hands on the terminal's size, the newest as soon as it is there.
type sizeQueue struct {
	first connectors.Size
	sent  bool
	next  <-chan connectors.Size
	over  <-chan struct{}
}

// maxCells bounds a terminal's sides.
const maxCells = 1000

func (q *sizeQueue) Next() *remotecommand.TerminalSize {
	s := q.first
	if q.sent {
		select {
		case s = <-q.next:
		case <-q.over:
			return nil
		}
	}
	q.sent = true
	return &remotecommand.TerminalSize{Width: uint16(min(max(s.Width, 1), maxCells)), Height: uint16(min(max(s.Height, 1), maxCells))}
}

// quote writes words as a shell reads them.
func quote(words []string) string {
	out := make([]string, len(words))
	for i, w := range words {
		if w != "" && !strings.ContainsFunc(w, func(r rune) bool {
			return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./:=@,+%", r))
		}) {
			out[i] = w
		} else {
			out[i] = "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
		}
	}
	return strings.Join(out, " ")
}
