package mariaserver

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

	"github.com/go-mysql-org/go-mysql/client"
	"github.com/go-mysql-org/go-mysql/mysql"

	"github.com/sallyport/sallyport/connectors/internal/account"
	"github.com/sallyport/sallyport/connectors/internal/process"
)

// Options are the choices of Start. The zero value is a throw-away server in a
// temporary folder, without fsync.
type Options struct {
	// Dir holds the data; "" is a new temporary folder. It is made if it is not
	// there, and must be reachable for the user the server runs as.
	Dir string
	// Persist keeps Dir, and starts again on what is there. Writes are durable then.
	Persist bool
	// Port listens on 127.0.0.1, too; 0 does not.
	Port int
	// Settings are added to the server's command line.
	Settings map[string]string
}

// Superuser is the name of the server's superuser.
const Superuser = "root"

// Server is a running MariaDB. Its methods are safe for concurrent use.
type Server struct {
	dir       string
	sockets   string // the folder of the socket
	password  string
	version   string
	persist   bool
	temporary []string // folders to remove

	process *process.Process

	stop sync.Once
}

// Start finds the programs, makes the data folder where there is none, and returns
// when the server answers. ctx bounds the start alone. The server ends with Stop,
// or with this process. Errors: ErrNotFound, or what the programs said.
func Start(ctx context.Context, o Options) (*Server, error) {
	p, err := find(ctx)
	if err != nil {
		return nil, err
	}
	who, err := account.For("mariadbd", "mysql", "nobody")
	if err != nil {
		return nil, err
	}
	s := &Server{dir: o.Dir, persist: o.Persist, version: p.version}
	if err := s.start(ctx, p, who, o); err != nil {
		s.Stop()
		return nil, err
	}
	return s, nil
}

func (s *Server) start(ctx context.Context, p programs, who *account.Account, o Options) error {
	if err := s.folder(who); err != nil {
		return err
	}
	if err := s.initialise(ctx, p, who); err != nil {
		return err
	}
	if err := s.run(p, who, o); err != nil {
		return err
	}
	return s.wait(ctx)
}

// folder makes the folder, and another for the socket where the path of the first
// is long (sun_path of sockaddr_un has 108 bytes).
func (s *Server) folder(who *account.Account) error {
	if s.dir == "" {
		dir, err := os.MkdirTemp("", "maria-")
		if err != nil {
			return fmt.Errorf("make a folder for mariadbd: %w", err)
		}
		s.dir, s.temporary = dir, append(s.temporary, dir)
	} else if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return fmt.Errorf("make a folder for mariadbd: %w", err)
	}
	var err error
	if s.dir, err = filepath.Abs(s.dir); err != nil {
		return fmt.Errorf("find the folder for mariadbd: %w", err)
	}
	if err := who.Own(s.dir); err != nil {
		return err
	}
	if err := os.MkdirAll(s.temp(), 0o700); err != nil {
		return fmt.Errorf("make a folder for mariadbd: %w", err)
	}
	if err := who.Own(s.temp()); err != nil {
		return err
	}
	s.sockets = s.dir
	if len(s.dir) > 80 {
		if s.sockets, err = os.MkdirTemp("", "maria-"); err != nil {
			return fmt.Errorf("make a folder for the socket: %w", err)
		}
		s.temporary = append(s.temporary, s.sockets)
	}
	return who.Own(s.sockets)
}

// temp is for the server's temporary files: in one that servers share, each that
// starts removes those of the others.
func (s *Server) temp() string { return filepath.Join(s.dir, "tmp") }

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

// Socket is the path of the server's socket: the address to connect to.
func (s *Server) Socket() string { return filepath.Join(s.sockets, "s.sock") }

// Password is the superuser's.
func (s *Server) Password() string { return s.password }

// Version is the server's: 10.11.19-MariaDB...
func (s *Server) Version() string { return s.version }

// initialise makes the data folder unless it is there, and learns the password.
func (s *Server) initialise(ctx context.Context, p programs, who *account.Account) error {
	secret, done := filepath.Join(s.dir, "password"), filepath.Join(s.dir, "made")
	if _, err := os.Stat(done); err == nil {
		b, err := os.ReadFile(secret)
		if err != nil {
			return fmt.Errorf("read the superuser's password: %w", err)
		}
		s.password = strings.TrimSpace(string(b))
		return nil
	}
	if err := os.RemoveAll(s.data()); err != nil { // of an interrupted attempt
		return fmt.Errorf("clear a half-made data folder: %w", err)
	}
	s.password = rand.Text()
	for name, text := range map[string]string{
		secret:        s.password + "\n",
		s.firstFile(): "alter user root@localhost identified by '" + s.password + "';\n",
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			return fmt.Errorf("write the superuser's password: %w", err)
		}
		if err := who.Own(name); err != nil {
			return err
		}
	}
	cmd := exec.CommandContext(ctx, p.install, "--no-defaults", "--datadir="+s.data(), "--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve", "--innodb-log-file-size=8M",
		"--tmpdir="+s.temp(),
		"--innodb-use-native-aio=0") // of which there may be too little on a machine with many servers
	who.Become(cmd)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("mariadb-install-db: %w: %s", err, faults(out))
	}
	return os.WriteFile(done, nil, 0o600)
}

// firstFile holds the statement that gives the superuser a password.
func (s *Server) firstFile() string { return filepath.Join(s.dir, "first.sql") }

// run starts the server. The kernel ends it with the thread that started it, so
// that thread does nothing else until then.
func (s *Server) run(p programs, who *account.Account, o Options) error {
	args := []string{"--no-defaults", "--datadir=" + s.data(), "--tmpdir=" + s.temp(), "--socket=" + s.Socket(), "--pid-file=" + filepath.Join(s.dir, "pid"), "--init-file=" + s.firstFile(),
		"--innodb-buffer-pool-size=16M", "--innodb-log-file-size=8M", "--innodb-use-native-aio=0", "--skip-log-bin", "--skip-name-resolve", "--local-infile=0", "--performance-schema=off", "--secure-file-priv=" + s.data()}
	if o.Port == 0 {
		args = append(args, "--skip-networking")
	} else {
		args = append(args, "--bind-address=127.0.0.1", fmt.Sprintf("--port=%d", o.Port))
	}
	if !s.persist {
		args = append(args, "--innodb-flush-log-at-trx-commit=0", "--innodb-flush-method=nosync", "--innodb-doublewrite=0")
	}
	for k, v := range o.Settings {
		args = append(args, "--"+k+"="+v)
	}
	cmd := exec.Command(p.server, args...)
	who.Become(cmd)
	var err error
	s.process, err = process.Start("mariadbd", cmd, syscall.SIGTERM)
	return err
}

// wait returns when the server answers, or has ended.
func (s *Server) wait(ctx context.Context) error {
	return s.process.Wait(ctx, func() error {
		if !s.owns() {
			return errNotYet
		}
		return s.Exec(ctx, "", "select 1")
	})
}

// owns reports whether the socket is that of the server started here, not of one
// that was there before.
func (s *Server) owns() bool {
	b, err := os.ReadFile(filepath.Join(s.dir, "pid"))
	return err == nil && strings.TrimSpace(string(b)) == fmt.Sprint(s.process.Pid())
}

// Exec runs one statement, or several as a script, in a database as the superuser.
func (s *Server) Exec(ctx context.Context, database, sql string) error {
	c, err := s.connect(ctx, database)
	if err != nil {
		return err
	}
	defer c.Close()
	var failed error
	_, err = c.ExecuteMultiple(sql, func(_ *mysql.Result, err error) {
		if failed == nil {
			failed = err
		}
	})
	if err := errors.Join(err, failed); err != nil {
		return fmt.Errorf("exec in %q: %w", database, err)
	}
	return nil
}

// Query is Exec of one statement that returns its rows as text; NULL is "".
func (s *Server) Query(ctx context.Context, database, sql string) ([][]string, error) {
	c, err := s.connect(ctx, database)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	r, err := c.Execute(sql)
	if err != nil {
		return nil, fmt.Errorf("query in %q: %w", database, err)
	}
	defer r.Close()
	var rows [][]string
	for i := range r.RowNumber() {
		row := make([]string, r.ColumnNumber())
		for k := range row {
			if row[k], err = r.GetString(i, k); err != nil {
				return nil, err
			}
		}
		rows = append(rows, row)
	}
	return rows, nil
}

func (s *Server) connect(ctx context.Context, database string) (*client.Conn, error) {
	c, err := client.ConnectWithContext(ctx, s.Socket(), Superuser, s.password, database, 10*time.Second, func(c *client.Conn) error {
		c.SetCapability(mysql.CLIENT_MULTI_STATEMENTS | mysql.CLIENT_MULTI_RESULTS)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("connect to %q: %w", database, err)
	}
	return c, nil
}

// Stop ends the server, waits until it has ended, and removes what is not to be
// kept. It may be called more than once.
func (s *Server) Stop() {
	s.stop.Do(func() {
		signals := []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL}
		if !s.persist {
			signals = signals[1:]
		}
		s.process.End(20*time.Second, signals...)
		for _, dir := range s.temporary {
			_ = os.RemoveAll(dir)
		}
	})
}

// faults are the lines that speak of errors, before much advice.
func faults(b []byte) string {
	var out []string
	for line := range strings.Lines(string(b)) {
		if strings.Contains(strings.ToUpper(line), "ERROR") || strings.Contains(line, "fail") {
			out = append(out, strings.TrimSpace(line))
		}
	}
	if len(out) == 0 {
		return process.LastLines(b)
	}
	return strings.Join(out[:min(len(out), 5)], " | ")
}

var errNotYet = errors.New("it has not written its process id")

// Log is the end of what the server logged.
func (s *Server) Log() string { return s.process.Log() }
