package redisserver

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/sallyport/sallyport/connectors/internal/account"
	"github.com/sallyport/sallyport/connectors/internal/process"
)

// ErrNotFound: there is no Redis server program on this machine.
var ErrNotFound = errors.New("no Redis server program found (redis-server or valkey-server, in PATH, /usr/sbin or /usr/bin)")

// Options are the choices of Start. The zero value is a throw-away server on a socket.
type Options struct {
	// Port listens on 127.0.0.1, too; 0 does not.
	Port int
	// Settings are added to the server's command line, each a name and values.
	Settings [][]string
}

// Server is a running Redis. Its methods are safe for concurrent use.
type Server struct {
	dir      string
	password string

	process *process.Process
	stop    sync.Once
}

// Available reports whether there is a server program to start: nil or ErrNotFound.
func Available() error {
	if find() == "" {
		return ErrNotFound
	}
	return nil
}

// find looks for the program.
func find() string { return process.Find("redis-server", "valkey-server") }

// Start runs a server and returns when it answers. ctx bounds the start alone. The
// server ends with Stop, or with this process. Errors: ErrNotFound, or what it said.
func Start(ctx context.Context, o Options) (*Server, error) {
	program := find()
	if program == "" {
		return nil, ErrNotFound
	}
	who, err := account.For("redis-server", "redis", "valkey", "nobody")
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "redis-")
	if err != nil {
		return nil, fmt.Errorf("make a folder for redis-server: %w", err)
	}
	s := &Server{dir: dir, password: rand.Text()}
	if err = who.Own(dir); err == nil {
		err = s.run(program, who, o)
	}
	if err == nil {
		err = s.wait(ctx)
	}
	if err != nil {
		s.Stop()
		return nil, err
	}
	return s, nil
}

// run starts the server. The kernel ends it with the thread that started it, so that
// thread does nothing else until then. The password goes over its input: a command
// line is there for all to see.
func (s *Server) run(program string, who *account.Account, o Options) error {
	settings := []string{
		"port " + fmt.Sprint(o.Port), "bind 127.0.0.1", "unixsocket " + s.Socket(), "unixsocketperm 777", "dir " + s.dir, "pidfile " + filepath.Join(s.dir, "pid"),
		"save \"\"", "appendonly no", "daemonize no", "databases 96", "requirepass " + s.password, "enable-debug-command yes", "busy-reply-threshold 200",
	}
	for _, set := range o.Settings {
		settings = append(settings, strings.Join(set, " "))
	}
	cmd := exec.Command(program, "-")
	cmd.Stdin = strings.NewReader(strings.Join(settings, "\n") + "\n")
	who.Become(cmd)
	var err error
	// It keeps nothing, and one whose script does not end hears no other signal.
	s.process, err = process.Start("redis-server", cmd, syscall.SIGKILL)
	return err
}

// wait returns when the server answers, or has ended.
func (s *Server) wait(ctx context.Context) error {
	return s.process.Wait(ctx, func() error {
		_, err := s.Do(ctx, "PING")
		return err
	})
}

// Socket is the path of the server's socket: the address to connect to.
func (s *Server) Socket() string { return filepath.Join(s.dir, "s.sock") }

// Password is the default user's, who may do anything.
func (s *Server) Password() string { return s.password }

// Pid is the number of the server's process.
func (s *Server) Pid() int { return s.process.Pid() }

// Do runs one command as the default user on a connection of its own, in database 0,
// and returns its answer: string, int64, nil or []any.
func (s *Server) Do(ctx context.Context, args ...string) (any, error) {
	return s.In(ctx, 0, args...)
}

// In is Do in another database.
func (s *Server) In(ctx context.Context, database int, args ...string) (any, error) {
	c, err := new(net.Dialer).DialContext(ctx, "unix", s.Socket())
	if err != nil {
		return nil, err
	}
	defer c.Close()
	if end, ok := ctx.Deadline(); ok {
		_ = c.SetDeadline(end)
	}
	r := newReader(c)
	for _, line := range [][]string{{"AUTH", s.password}, {"SELECT", fmt.Sprint(database)}} {
		if _, err := r.do(line); err != nil {
			return nil, err
		}
	}
	return r.do(args)
}

// Stop ends the server, waits until it has ended, and removes what it had. It may be
// called more than once.
func (s *Server) Stop() {
	s.stop.Do(func() {
		s.process.End(20*time.Second, syscall.SIGKILL)
		_ = os.RemoveAll(s.dir)
	})
}

// Log is the end of what the server logged.
func (s *Server) Log() string { return s.process.Log() }
