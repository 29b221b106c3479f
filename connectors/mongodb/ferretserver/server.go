package ferretserver

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/sallyport/sallyport/connectors/internal/process"
)

// ErrNotFound: the program cannot be built here.
var ErrNotFound = errors.New("no FerretDB: testdata/ferret/build.sh did not build it")

// Superuser is the name of the one login, known to the database admin.
const Superuser = "root"

// Server is a running FerretDB. Its methods are safe for concurrent use.
type Server struct {
	dir, password string
	port, debug   int

	process *process.Process
	stop    sync.Once
}

// Start builds what is missing and returns when the server answers. ctx bounds the
// start alone. The server ends with Stop, or with this process. Errors: ErrNotFound,
// or what the program said.
func Start(ctx context.Context) (*Server, error) {
	program, err := build(ctx)
	if err != nil {
		return nil, err
	}
	for try := 1; ; try++ { // a port that was free may be taken by now
		s, err := start(ctx, program)
		if err == nil || try == 3 || ctx.Err() != nil {
			return s, err
		}
	}
}

// build asks the script that knows what is there and builds the rest.
func build(ctx context.Context) (string, error) {
	_, here, _, _ := runtime.Caller(0)
	cmd := exec.CommandContext(ctx, "bash", filepath.Join(filepath.Dir(here), "..", "..", "..", "testdata", "ferret", "build.sh"))
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%w: %w: %s", ErrNotFound, err, said.Bytes())
	}
	return strings.TrimSpace(string(out)), nil
}

func start(ctx context.Context, program string) (*Server, error) {
	dir, err := os.MkdirTemp("", "ferret-")
	if err != nil {
		return nil, fmt.Errorf("make a folder for FerretDB: %w", err)
	}
	s := &Server{dir: dir, password: rand.Text()}
	if err := s.run(ctx, program); err != nil {
		s.Stop()
		return nil, err
	}
	return s, nil
}

func (s *Server) run(ctx context.Context, program string) error {
	var err error
	if s.port, err = freePort(); err == nil {
		s.debug, err = freePort()
	}
	if err != nil {
		return err
	}
	cmd := exec.Command(program, "--handler=sqlite", "--sqlite-url=file:"+s.dir+"/", "--state-dir="+s.dir, "--telemetry=disable", "--log-level=error",
		fmt.Sprintf("--listen-addr=127.0.0.1:%d", s.port), "--listen-unix="+s.Socket(), fmt.Sprintf("--debug-addr=127.0.0.1:%d", s.debug),
		"--test-enable-new-auth", "--setup-database=admin", "--setup-username="+Superuser)
	cmd.Env = append(os.Environ(), "FERRETDB_SETUP_PASSWORD="+s.password)
	cmd.Dir = s.dir
	if s.process, err = process.Start("FerretDB", cmd, syscall.SIGTERM); err != nil {
		return err
	}
	return s.wait(ctx)
}

func (s *Server) wait(ctx context.Context) error {
	return s.process.Wait(ctx, func() error {
		nc, err := net.Dial("unix", s.Socket())
		if err == nil {
			_ = nc.Close()
		}
		return err
	})
}

// Address is where it listens on TCP.
func (s *Server) Address() string { return fmt.Sprintf("127.0.0.1:%d", s.port) }

// Socket is the path of the socket where it listens, too.
func (s *Server) Socket() string { return filepath.Join(s.dir, "s.sock") }

// Password is the superuser's.
func (s *Server) Password() string { return s.password }

// Log is the end of what it said.
func (s *Server) Log() string { return s.process.Log() }

// Busy is how many of a database's queries are under way, cursors that are open among
// them.
func (s *Server) Busy(ctx context.Context, database string) (int, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("http://127.0.0.1:%d/debug/metrics", s.debug), nil)
	if err != nil {
		return 0, err
	}
	t := &http.Transport{DisableKeepAlives: true}
	said, err := (&http.Client{Transport: t}).Do(r)
	if err != nil {
		return 0, fmt.Errorf("read FerretDB's metrics: %w", err)
	}
	defer said.Body.Close()
	for lines := bufio.NewScanner(said.Body); lines.Scan(); {
		if n, ok := strings.CutPrefix(lines.Text(), fmt.Sprintf("ferretdb_sqldb_in_use{db=%q} ", database)); ok {
			return strconv.Atoi(n)
		}
	}
	_, _ = io.Copy(io.Discard, said.Body)
	return 0, nil
}

// Sessions is how many connections over TCP it has, as the kernel of Linux tells.
func (s *Server) Sessions() (int, error) {
	b, err := os.ReadFile("/proc/net/tcp")
	if err != nil {
		return 0, err
	}
	n := 0
	for line := range strings.Lines(string(b)) {
		f := strings.Fields(line)
		if len(f) > 3 && f[1] == fmt.Sprintf("0100007F:%04X", s.port) && f[3] == "01" {
			n++
		}
	}
	return n, nil
}

// Stop ends the server and removes what it wrote.
func (s *Server) Stop() {
	s.stop.Do(func() {
		s.process.End(20*time.Second, syscall.SIGKILL)
		_ = os.RemoveAll(s.dir)
	})
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}
