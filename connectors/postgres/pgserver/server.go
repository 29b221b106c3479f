package pgserver

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/sallyport/sallyport/connectors/internal/account"
	"github.com/sallyport/sallyport/connectors/internal/process"
)

// Options are the choices of Start. The zero value is a throw-away server in a
// temporary folder, without fsync.
type Options struct {
	// Dir holds the cluster; "" is a new temporary folder. It is made if it is not
	// there, and must be reachable for the user the server runs as.
	Dir string
	// Persist keeps Dir, and starts again on what is there. Writes are durable then.
	Persist bool
	// Settings are added to the server's configuration.
	Settings map[string]string
}

// Superuser is the name of the cluster's superuser.
const Superuser = "postgres"

// port names the socket's file; nothing listens on it over TCP.
const port = 5432

// Server is a running PostgreSQL. Its methods are safe for concurrent use.
type Server struct {
	dir, sockets string
	password     string
	version      string
	persist      bool
	temporary    []string // folders to remove

	process *process.Process

	stop sync.Once
}

// Start finds the programs, makes the cluster where there is none, and returns
// when the server answers. ctx bounds the start alone. The server ends with
// Stop, or with this process. Errors: ErrNotFound, or what initdb or postgres
// said.
func Start(ctx context.Context, o Options) (*Server, error) {
	p, err := find(ctx)
	if err != nil {
		return nil, err
	}
	who, err := account.For("postgres", "postgres", "nobody")
	if err != nil {
		return nil, err
	}
	s := &Server{dir: o.Dir, persist: o.Persist, version: p.version}
	if err := s.start(ctx, p, who, o.Settings); err != nil {
		s.Stop()
		return nil, err
	}
	return s, nil
}

func (s *Server) start(ctx context.Context, p programs, who *account.Account, settings map[string]string) error {
	if err := s.folders(who); err != nil {
		return err
	}
	if err := s.initialise(ctx, p, who); err != nil {
		return err
	}
	if err := s.run(p, who, settings); err != nil {
		return err
	}
	return s.wait(ctx)
}

// folders makes the cluster's folder and one for the socket, whose path must be
// short (sun_path of sockaddr_un has 108 bytes).
func (s *Server) folders(who *account.Account) error {
	if s.dir == "" {
		dir, err := os.MkdirTemp("", "pgserver-")
		if err != nil {
			return fmt.Errorf("make a folder for postgres: %w", err)
		}
		s.dir, s.temporary = dir, append(s.temporary, dir)
	} else if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return fmt.Errorf("make a folder for postgres: %w", err)
	}
	var err error
	if s.dir, err = filepath.Abs(s.dir); err != nil {
		return fmt.Errorf("find the folder for postgres: %w", err)
	}
	if err := who.Own(s.dir); err != nil {
		return err
	}
	s.sockets = filepath.Join(s.dir, "s")
	if len(s.sockets) > 80 {
		if s.sockets, err = os.MkdirTemp("", "pg-"); err != nil {
			return fmt.Errorf("make a folder for the socket: %w", err)
		}
		s.temporary = append(s.temporary, s.sockets)
	} else if err := os.MkdirAll(s.sockets, 0o700); err != nil {
		return fmt.Errorf("make a folder for the socket: %w", err)
	}
	return who.Own(s.sockets)
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

// initialise runs initdb unless there is a cluster, and learns the password.
func (s *Server) initialise(ctx context.Context, p programs, who *account.Account) error {
	secret := filepath.Join(s.dir, "password")
	if _, err := os.Stat(filepath.Join(s.data(), "PG_VERSION")); err == nil {
		b, err := os.ReadFile(secret)
		if err != nil {
			return fmt.Errorf("read the superuser's password: %w", err)
		}
		s.password = strings.TrimSpace(string(b))
		return s.sameMajor(p)
	}
	// What an interrupted initdb left has no PG_VERSION at its end, or half a tree.
	if err := os.RemoveAll(s.data()); err != nil {
		return fmt.Errorf("clear a half-made cluster: %w", err)
	}
	s.password = rand.Text()
	if err := os.WriteFile(secret, []byte(s.password+"\n"), 0o600); err != nil {
		return fmt.Errorf("write the superuser's password: %w", err)
	}
	if err := who.Own(secret); err != nil {
		return err
	}
	args := []string{"-D", s.data(), "-U", Superuser, "--pwfile=" + secret, "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C"}
	if !s.persist {
		args = append(args, "--no-sync")
	}
	cmd := exec.CommandContext(ctx, p.initdb(), args...)
	who.Become(cmd)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, process.LastLines(out))
	}
	return nil
}

func (s *Server) sameMajor(p programs) error {
	b, err := os.ReadFile(filepath.Join(s.data(), "PG_VERSION"))
	if err != nil {
		return fmt.Errorf("read the cluster's version: %w", err)
	}
	major := strings.TrimSpace(string(b))
	if n := numbers(p.version); len(n) == 0 || fmt.Sprint(n[0]) != major {
		return fmt.Errorf("the cluster in %q is of PostgreSQL %s, the newest programs here are %s: start with another folder", s.dir, major, p.version)
	}
	return nil
}

// run starts the server. The kernel ends it with the thread that started it, so
// that thread does nothing else until then.
func (s *Server) run(p programs, who *account.Account, settings map[string]string) error {
	args := []string{"-D", s.data(), "-p", fmt.Sprint(port), "-k", s.sockets, "-c", "listen_addresses=", "-c", "unix_socket_permissions=0700"}
	if !s.persist {
		args = append(args, "-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off")
	}
	for k, v := range settings {
		args = append(args, "-c", k+"="+v)
	}
	cmd := exec.Command(p.postgres(), args...)
	who.Become(cmd)
	var err error
	s.process, err = process.Start("postgres", cmd, syscall.SIGINT)
	return err
}

// wait returns when the server answers, or has ended.
func (s *Server) wait(ctx context.Context) error {
	return s.process.Wait(ctx, func() error {
		if !s.owns() {
			return errNotYet
		}
		return s.Exec(ctx, "postgres", "select 1")
	})
}

// owns reports whether the cluster's lock is held by the server started here,
// not by one that was there before.
func (s *Server) owns() bool {
	b, err := os.ReadFile(filepath.Join(s.data(), "postmaster.pid"))
	pid, _, _ := strings.Cut(string(b), "\n")
	return err == nil && pid == fmt.Sprint(s.process.Pid())
}

// SocketDir is the folder of the socket: the address to connect to.
func (s *Server) SocketDir() string { return s.sockets }

// Password is the superuser's.
func (s *Server) Password() string { return s.password }

// Version is the server's: 15.18 (Debian ...).
func (s *Server) Version() string { return s.version }

// Exec runs statements in a database as the superuser, by the simple protocol.
func (s *Server) Exec(ctx context.Context, database, sql string) error {
	_, err := s.Query(ctx, database, sql)
	return err
}

// Query is Exec that returns the rows of the last statement as text; NULL is "".
func (s *Server) Query(ctx context.Context, database, sql string) ([][]string, error) {
	c, err := pgconn.ParseConfig("host=localhost user=x password=x dbname=x sslmode=disable passfile='' sslrootcert='' sslcert='' sslkey='' target_session_attrs=any")
	if err != nil {
		return nil, fmt.Errorf("connect to %q: %w", database, err)
	}
	c.Host, c.Port, c.User, c.Password, c.Database = s.sockets, port, Superuser, s.password, database
	c.TLSConfig, c.Fallbacks, c.RuntimeParams = nil, nil, map[string]string{"application_name": "pgserver"}
	conn, err := pgconn.ConnectConfig(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("connect to %q: %w", database, err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	results, err := conn.Exec(ctx, sql).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("exec in %q: %w", database, err)
	}
	var rows [][]string
	if n := len(results); n > 0 {
		for _, r := range results[n-1].Rows {
			row := make([]string, len(r))
			for i, v := range r {
				row[i] = string(v)
			}
			rows = append(rows, row)
		}
	}
	return rows, nil
}

// CreateDatabase makes a database unless it is there, and reports whether it
// made it.
func (s *Server) CreateDatabase(ctx context.Context, name string) (made bool, err error) {
	rows, err := s.Query(ctx, "postgres", "select from pg_database where datname = "+literal(name))
	if err != nil || len(rows) > 0 {
		return false, err
	}
	return true, s.Exec(ctx, "postgres", `create database "`+strings.ReplaceAll(name, `"`, `""`)+`"`)
}

// CreateUser makes a login with a password, or gives an existing one this password.
func (s *Server) CreateUser(ctx context.Context, name, password string) error {
	id := `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
	rows, err := s.Query(ctx, "postgres", "select from pg_roles where rolname = "+literal(name))
	if err != nil {
		return err
	}
	verb := "create"
	if len(rows) > 0 {
		verb = "alter"
	}
	return s.Exec(ctx, "postgres", verb+" role "+id+" login password "+literal(password))
}

func literal(s string) string {
	return "E'" + strings.NewReplacer(`\`, `\\`, `'`, `''`).Replace(s) + "'"
}

// Stop ends the server at once but cleanly, waits until it has ended, and
// removes what is not to be kept. It may be called more than once.
func (s *Server) Stop() {
	s.stop.Do(func() {
		// SIGINT is PostgreSQL's fast shutdown, SIGQUIT its immediate one.
		s.process.End(10*time.Second, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGKILL)
		for _, dir := range s.temporary {
			_ = os.RemoveAll(dir)
		}
	})
}

var errNotYet = errors.New("it has not taken the cluster's lock")
