package kubernetes

import (
	"context"
	"io"
	"strings"
)

// portForward connects the requester's own streams to a port of a pod: as many
// lines, as many connections. It ends when the pod's side has.
func (l *job) portForward() error {
	if len(l.words) != 2 {
		return wrong("port-forward POD PORT, or svc/NAME PORT; its streams are those of this line, so that nothing listens here: ssh -L PORT:POD.NAMESPACE.CLUSTER:PORT does")
	}
	w, err := l.way(l.words[0], l.words[1])
	if err != nil {
		return err
	}
	if l.term.Stdio.In == nil {
		return wrong("port-forward needs an input")
	}
	return l.c.forward(l.ctx, l.g, w, newConsole(l.ctx, l.term.Stdio.In, l.out))
}

// way reads POD PORT or TYPE/NAME PORT.
func (l *job) way(object, port string) (way, error) {
	w := way{kind: "pods", namespace: l.namespace(), name: object, port: strings.TrimPrefix(port, ":")}
	if word, name, ok := strings.Cut(object, "/"); ok {
		w.kind, _ = kindOf(word)
		w.name = name
	}
	switch {
	case strings.Contains(w.port, ":"):
		return w, wrong("nothing listens here: give the pod's port alone, or use ssh -L PORT:POD.NAMESPACE.CLUSTER:PORT")
	case portOf(w.port) == 0 && !plainName(w.port):
		return w, wrong("%.60q is no port", port)
	case behind[w.kind] == "":
		return w, wrong("a port is forwarded to a pod, a service or a workload, not to %.60q", object)
	case !plainName(w.name) || !plainName(w.namespace):
		return w, wrong("%.200q is no pod's name", object)
	}
	return w, nil
}

// console is the requester's input and output as one stream. When the far side has
// ended, so has the input: who types does not hold up the end.
type console struct {
	io.Reader
	io.Writer
	stop func()
}

func newConsole(ctx context.Context, in io.Reader, out io.Writer) *console {
	r, w := io.Pipe()
	go func() {
		_, err := io.Copy(w, in)
		_ = w.CloseWithError(err) // nil is the end
	}()
	c := &console{Reader: r, Writer: out, stop: func() { _ = w.Close() }}
	context.AfterFunc(ctx, c.stop)
	return c
}

func (c *console) CloseWrite() error {
	c.stop()
	return nil
}

// Close ends the input; the output is the line's.
func (c *console) Close() error { return c.CloseWrite() }
