package connectortest

import (
	"context"
	"errors"
	"io"
	"os"
	"path"
	"path/filepath"
	"sync"
	"testing"

	"github.com/sallyport/sallyport/connectors"
)

// work is how the suite drives a power where it does not matter which.
type work struct {
	power Power
	// stream does an operation that answers with so many bytes, and writes what the
	// requester gets of them.
	stream func(ctx context.Context, conn connectors.Conn, g *Guard, bytes int64, w io.Writer) error
	// slow does one that runs until it is ended. It calls running once it runs, where
	// that is not told by Target.Active.
	slow func(ctx context.Context, conn connectors.Conn, g *Guard, running func()) error
	// wordless is set where an operation has no time to end in: only that the
	// connection is alive is asked, by the driver.
	wordless bool
}

// rowBytes is what a row of SQL.Large has at least.
const rowBytes = 1000

func (s *suite) queryWork() work {
	return work{
		power: ToQuery,
		stream: func(ctx context.Context, conn connectors.Conn, g *Guard, bytes int64, w io.Writer) error {
			r, err := conn.(connectors.Querier).Query(ctx, g, connectors.Statement{Text: s.SQL.Large(int(bytes / rowBytes))})
			if err != nil {
				return err
			}
			defer r.Close()
			for {
				rows, err := r.Batch(ctx, 500)
				for _, row := range rows {
					for _, c := range row {
						if _, err := io.WriteString(w, c.Text); err != nil {
							return err
						}
					}
				}
				if errors.Is(err, io.EOF) {
					return nil
				} else if err != nil {
					return err
				}
			}
		},
		slow: func(ctx context.Context, conn connectors.Conn, g *Guard, _ func()) error {
			_, err := s.run(ctx, conn, g, s.SQL.Slow, 16)
			return err
		},
	}
}

func (s *suite) execWork() work {
	run := func(ctx context.Context, conn connectors.Conn, g *Guard, command string, w io.Writer) error {
		_, err := conn.(connectors.Executor).Exec(ctx, g, command, connectors.Stdio{In: &empty{}, Out: w, Err: io.Discard})
		return err
	}
	return work{
		power: ToExec,
		stream: func(ctx context.Context, conn connectors.Conn, g *Guard, bytes int64, w io.Writer) error {
			return run(ctx, conn, g, s.Host.Flood(int(bytes)), w)
		},
		slow: func(ctx context.Context, conn connectors.Conn, g *Guard, _ func()) error {
			return run(ctx, conn, g, s.Host.Slow, io.Discard)
		},
	}
}

type empty struct{}

func (*empty) Read([]byte) (int, error) { return 0, io.EOF }

func (s *suite) attachWork() work {
	run := func(ctx context.Context, conn connectors.Conn, g *Guard, typed string, w io.Writer) error {
		in, keys := io.Pipe()
		go func() { _, _ = io.WriteString(keys, typed) }() // the shell may be gone already
		_, err := conn.(connectors.Attacher).Attach(ctx, g, connectors.Terminal{
			Term: "dumb", Size: connectors.Size{Width: 80, Height: 24}, Stdio: connectors.Stdio{In: in, Out: w}})
		_ = in.Close() // as a requester's channel is once the shell has ended
		return err
	}
	return work{
		power: ToAttach, wordless: true,
		stream: func(ctx context.Context, conn connectors.Conn, g *Guard, bytes int64, w io.Writer) error {
			return run(ctx, conn, g, s.Host.Flood(int(bytes))+"\nexit\n", w)
		},
		slow: func(ctx context.Context, conn connectors.Conn, g *Guard, _ func()) error {
			return run(ctx, conn, g, s.Host.Slow+"\n", io.Discard)
		},
	}
}

// body takes an answer's body.
type body struct{ io.Writer }

func (body) Head(int, []connectors.Field) error { return nil }

func (s *suite) requestWork() work {
	run := func(ctx context.Context, conn connectors.Conn, g *Guard, text string, w io.Writer) error {
		return conn.(connectors.Requester).Request(ctx, g, text, body{w})
	}
	return work{
		power: ToRequest,
		stream: func(ctx context.Context, conn connectors.Conn, g *Guard, bytes int64, w io.Writer) error {
			return run(ctx, conn, g, s.Web.Large(int(bytes)), w)
		},
		slow: func(ctx context.Context, conn connectors.Conn, g *Guard, _ func()) error {
			return run(ctx, conn, g, s.Web.Slow, io.Discard)
		},
	}
}

func (s *suite) filesWork(t testing.TB) work {
	local, err := os.MkdirTemp(s.Files.Local, "w")
	if err == nil {
		err = os.Chmod(local, 0o777) // the target's login may be another
	}
	if err != nil {
		t.Fatal(err)
	}
	dir := path.Join(s.Files.Dir, filepath.Base(local))
	open := func(ctx context.Context, conn connectors.Conn, g *Guard, bytes int64) (connectors.OpenFile, error) {
		if err := sized(filepath.Join(local, "f"), bytes); err != nil {
			return nil, err
		}
		return conn.(connectors.Filer).OpenFile(ctx, g, connectors.FileCall{Do: connectors.ReadFile, Path: dir + "/f"})
	}
	return work{
		power: ToFiles,
		stream: func(ctx context.Context, conn connectors.Conn, g *Guard, bytes int64, w io.Writer) error {
			f, err := open(ctx, conn, g, bytes)
			if err != nil {
				return err
			}
			_, err = io.CopyBuffer(struct{ io.Writer }{w}, struct{ io.Reader }{io.NewSectionReader(f, 0, bytes)}, make([]byte, 32<<10))
			return errors.Join(err, f.Close())
		},
		slow: func(ctx context.Context, conn connectors.Conn, g *Guard, running func()) error {
			f, err := open(ctx, conn, g, 64<<20)
			if err != nil {
				return err
			}
			if _, err := f.ReadAt(make([]byte, 1000), 0); err != nil {
				return err
			}
			running()
			at := int64(0)
			eventually(func() bool { // whoever reads on finds that it has ended
				at += 1000
				_, err := f.ReadAt(make([]byte, 1000), at)
				return err != nil || len(g.Permits()[0].Outcomes()) > 0
			})
			err = f.Close()
			if o := g.Permits()[0].Outcomes(); len(o) > 0 {
				err = o[0].Err
			}
			return err
		},
	}
}

// sized makes a file of so many bytes.
func sized(name string, bytes int64) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	return errors.Join(f.Chmod(0o666), f.Truncate(bytes), f.Close())
}

// begun starts the slow operation and returns once it runs at the target.
func (s *suite) begun(ctx context.Context, t *testing.T, conn connectors.Conn, g *Guard, w work) (done <-chan error) {
	t.Helper()
	g.said = &s.said
	running := make(chan struct{})
	told := sync.OnceFunc(func() { close(running) })
	if s.Active == nil {
		g.OnPermit = func(connectors.Operation) { told() }
	}
	end := make(chan error, 1)
	go func() {
		err := w.slow(ctx, conn, g, told)
		if err != nil {
			s.said.add(err.Error())
		}
		end <- err
	}()
	if !eventually(func() bool {
		select {
		case <-running:
			return true
		default:
			return s.active(t) > 0
		}
	}) {
		t.Fatal("the slow operation never ran at the target")
	}
	return end
}
