package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/creack/pty"
	"k8s.io/cri-streaming/pkg/streaming/portforward"
	rc "k8s.io/cri-streaming/pkg/streaming/remotecommand"
	utilexec "k8s.io/utils/exec"
)

const (
	idle  = time.Hour
	setup = 30 * time.Second
)

func (n *node) handler() http.Handler {
	mux := http.NewServeMux()
	for _, m := range []string{"GET ", "POST "} {
		mux.HandleFunc(m+"/exec/{ns}/{pod}/{ctr}", n.exec)
		mux.HandleFunc(m+"/attach/{ns}/{pod}/{ctr}", n.exec)
		mux.HandleFunc(m+"/portForward/{ns}/{pod}", n.forward)
	}
	mux.HandleFunc("GET /containerLogs/{ns}/{pod}/{ctr}", n.logs)
	return mux
}

func (n *node) exec(w http.ResponseWriter, r *http.Request) {
	o, err := rc.NewOptions(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	ns, pod, ctr := r.PathValue("ns"), r.PathValue("pod"), r.PathValue("ctr")
	// The process ends with the connection that asked for it.
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	run := runtime{ctx, n.container(ns, pod, ctr), []string{"POD=" + pod, "CONTAINER=" + ctr}}
	if strings.HasPrefix(r.URL.Path, "/attach/") {
		rc.ServeAttach(w, r, run, ns+"/"+pod, "", ctr, o, idle, setup, rc.SupportedStreamingProtocols)
		return
	}
	rc.ServeExec(w, r, run, ns+"/"+pod, "", ctr, r.URL.Query()["command"], o, idle, setup, rc.SupportedStreamingProtocols)
}

func (n *node) forward(w http.ResponseWriter, r *http.Request) {
	o, err := portforward.NewV4Options(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	portforward.ServePortForward(w, r, runtime{}, r.PathValue("ns")+"/"+r.PathValue("pod"), "", o, idle, setup, portforward.SupportedProtocols)
}

// logs serves the container's log, from the last lines on, and follows it until
// the requester is gone.
func (n *node) logs(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	name, gone := "/log", "no such container"
	if q.Get("previous") == "true" {
		name, gone = "/log.previous", fmt.Sprintf("previous terminated container %q in pod %q not found", r.PathValue("ctr"), r.PathValue("pod"))
	}
	f, err := os.Open(n.container(r.PathValue("ns"), r.PathValue("pod"), r.PathValue("ctr")) + name)
	if err != nil {
		http.Error(w, gone, http.StatusBadRequest)
		return
	}
	defer f.Close()
	if tail, err := strconv.Atoi(q.Get("tailLines")); err == nil {
		skip(f, tail)
	}
	out := bufio.NewWriter(w)
	for r.Context().Err() == nil {
		if _, err := io.Copy(out, f); err != nil {
			return
		}
		if out.Flush() != nil || q.Get("follow") != "true" {
			return
		}
		if fl, ok := w.(http.Flusher); ok {
			fl.Flush()
		}
		select {
		case <-r.Context().Done():
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// skip leaves f before its last lines.
func skip(f *os.File, lines int) {
	b, _ := io.ReadAll(f)
	at := len(b)
	for ; at > 0 && lines > 0; lines-- {
		at = strings.LastIndexByte(string(b[:max(0, at-1)]), '\n') + 1
	}
	_, _ = f.Seek(int64(at), io.SeekStart)
}

// runtime runs processes in place of containers.
type runtime struct {
	ctx context.Context
	dir string
	env []string
}

func (r runtime) ExecInContainer(ctx context.Context, _, _, _ string, argv []string, in io.Reader, out, errw io.WriteCloser, tty bool, resize <-chan rc.TerminalSize, _ time.Duration) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(r.ctx, cancel)()
	c := exec.CommandContext(ctx, r.program(argv[0]), argv[1:]...)
	c.Dir, c.Env = r.dir, append(os.Environ(), append(r.env, "LOG="+r.dir+"/log", "TERM=xterm", "PS1=in-the-pod> ")...)
	c.WaitDelay = time.Second
	var err error
	if tty {
		err = onPTY(c, in, out, resize, cancel)
	} else {
		err = plain(c, in, out, errw, cancel)
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		code := exit.ExitCode()
		if s, ok := exit.Sys().(syscall.WaitStatus); ok && s.Signaled() {
			code = 128 + int(s.Signal())
		}
		return utilexec.CodeExitError{Err: fmt.Errorf("command terminated with exit code %d", code), Code: code}
	}
	return err
}

// program is a container's own one, where it has one in the folder bin.
func (r runtime) program(name string) string {
	own := r.dir + "/bin/" + name
	if _, err := os.Stat(own); err == nil {
		return own
	}
	return name
}

// onPTY runs c on a terminal. Output that cannot be delivered means that the
// requester is gone.
func onPTY(c *exec.Cmd, in io.Reader, out io.Writer, resize <-chan rc.TerminalSize, gone func()) error {
	f, err := pty.Start(c)
	if err != nil {
		return err
	}
	defer f.Close()
	go func() {
		for s := range resize {
			_ = pty.Setsize(f, &pty.Winsize{Rows: s.Height, Cols: s.Width})
		}
		gone() // the stream of sizes ends with the connection
	}()
	if in != nil {
		go func() { _, _ = io.Copy(f, in) }()
	}
	if out != nil {
		_, _ = io.Copy(out, f)
	}
	return c.Wait()
}

func plain(c *exec.Cmd, in io.Reader, out, errw io.Writer, gone func()) error {
	if out != nil {
		c.Stdout = out
	}
	if errw != nil {
		c.Stderr = errw
	}
	if in != nil {
		p, err := c.StdinPipe()
		if err != nil {
			return err
		}
		go func() {
			if _, err := io.Copy(p, in); err != nil {
				gone()
			}
			_ = p.Close()
		}()
	}
	if err := c.Start(); err != nil {
		return err
	}
	return c.Wait()
}

// AttachContainer joins a program that repeats what it hears.
func (r runtime) AttachContainer(ctx context.Context, name, uid, ctr string, in io.Reader, out, errw io.WriteCloser, tty bool, resize <-chan rc.TerminalSize) error {
	return r.ExecInContainer(ctx, name, uid, ctr, []string{"cat"}, in, out, errw, tty, resize, 0)
}

// PortForward reaches ports of this machine's loopback.
func (runtime) PortForward(ctx context.Context, _, _ string, port int32, s io.ReadWriteCloser) error {
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return err
	}
	defer c.Close()
	// Each end is passed on; the stream's own Close is its half.
	var both sync.WaitGroup
	both.Go(func() {
		_, _ = io.Copy(c, s)
		_ = c.(*net.TCPConn).CloseWrite()
	})
	both.Go(func() {
		_, _ = io.Copy(s, c)
		_ = s.Close()
	})
	both.Wait()
	return nil
}
