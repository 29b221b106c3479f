package clickserver

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
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

// ErrNotFound: there is no ClickHouse server program on this machine.
var ErrNotFound = errors.New("no ClickHouse server program found (clickhouse-server, in PATH, /usr/sbin or /usr/bin)")

// User is a login of the server's.
type User struct {
	Name, Password string
	// ReadOnly is the setting readonly of its profile: 0, 1 or 2.
	ReadOnly int
	// Settings are others of its profile, in place of all but ReadOnly.
	Settings map[string]string
}

// Superuser is the name of the login that tests set things up with.
const Superuser = "root"

// Server is a running ClickHouse. Its methods are safe for concurrent use.
type Server struct {
	dir, password, version string
	port                   int
	process                *process.Process
	stop                   sync.Once
}

// Start makes a folder, starts the server, and returns when it answers. ctx bounds the
// start alone. The server ends with Stop, or with this process. Errors: ErrNotFound,
// or what the program said.
func Start(ctx context.Context, users ...User) (*Server, error) {
	program := process.Find("clickhouse-server")
	if program == "" {
		return nil, ErrNotFound
	}
	who, err := account.For("clickhouse-server", "clickhouse", "nobody")
	if err != nil {
		return nil, err
	}
	for try := 1; ; try++ { // a port that was free may be taken by now
		s := &Server{password: rand.Text()}
		if err = s.start(ctx, program, who, users); err == nil {
			return s, nil
		}
		s.Stop()
		if try == 3 || ctx.Err() != nil {
			return nil, err
		}
	}
}

func (s *Server) start(ctx context.Context, program string, who *account.Account, users []User) (err error) {
	if s.dir, err = os.MkdirTemp("", "click-"); err != nil {
		return fmt.Errorf("make a folder for clickhouse-server: %w", err)
	}
	if s.port, err = freePort(); err != nil {
		return err
	}
	for name, text := range map[string]string{"config.xml": s.config(), "users.xml": s.users(users)} {
		if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o600); err != nil {
			return fmt.Errorf("write the server's configuration: %w", err)
		}
	}
	for _, name := range []string{"", "data", "config.xml", "users.xml"} {
		path := filepath.Join(s.dir, name)
		if name == "data" {
			if err := os.Mkdir(path, 0o700); err != nil {
				return fmt.Errorf("make a folder for clickhouse-server: %w", err)
			}
		}
		if err := who.Own(path); err != nil {
			return err
		}
	}
	if err := s.run(program, who); err != nil {
		return err
	}
	return s.wait(ctx)
}

// freePort is a port that nobody listens on now. Somebody else may take it before the
// server does: it is known by its superuser's password.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("find a port for clickhouse-server: %w", err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

func (s *Server) config() string {
	data := filepath.Join(s.dir, "data")
	return fmt.Sprintf(`<?xml version="1.0"?>
<yandex>
  <logger><level>warning</level><console>1</console></logger>
  <listen_host>127.0.0.1</listen_host><http_port>%d</http_port>
  <path>%s/</path><tmp_path>%s/tmp/</tmp_path><user_files_path>%s/files/</user_files_path>
  <users_config>%s/users.xml</users_config>
  <default_profile>level0</default_profile><default_database>default</default_database>
  <mark_cache_size>5242880</mark_cache_size><timezone>UTC</timezone>
  <query_log><database>system</database><table>query_log</table><flush_interval_milliseconds>200</flush_interval_milliseconds></query_log>
</yandex>
`, s.port, data, data, data, s.dir)
}

func (s *Server) users(users []User) string {
	var b strings.Builder
	b.WriteString("<?xml version=\"1.0\"?>\n<yandex>\n<profiles>\n")
	for level := range 3 {
		fmt.Fprintf(&b, "<level%d><max_memory_usage>1000000000</max_memory_usage><max_threads>2</max_threads><log_queries>%d</log_queries><readonly>%d</readonly></level%d>\n", level, 1-min(level, 1), level, level)
	}
	for _, u := range users {
		if u.Settings == nil {
			continue
		}
		fmt.Fprintf(&b, "<of_%s><readonly>%d</readonly>", u.Name, u.ReadOnly)
		for name, value := range u.Settings {
			fmt.Fprintf(&b, "<%s>%s</%s>", name, value, name)
		}
		fmt.Fprintf(&b, "</of_%s>\n", u.Name)
	}
	b.WriteString("</profiles>\n<quotas><default></default></quotas>\n<users>\n")
	for _, u := range append(users, User{Name: Superuser, Password: s.password}) {
		profile := fmt.Sprintf("level%d", u.ReadOnly)
		if u.Settings != nil {
			profile = "of_" + u.Name
		}
		fmt.Fprintf(&b, "<%s><password>%s</password><networks><ip>127.0.0.1</ip></networks><profile>%s</profile><quota>default</quota></%s>\n", u.Name, u.Password, profile, u.Name)
	}
	b.WriteString("</users>\n</yandex>\n")
	return b.String()
}

// run starts the server. The kernel ends it with the thread that started it, so that
// thread does nothing else until then.
func (s *Server) run(program string, who *account.Account) error {
	cmd := exec.Command(program, "--config-file="+filepath.Join(s.dir, "config.xml"))
	who.Become(cmd)
	cmd.Dir = s.dir
	var err error
	s.process, err = process.Start("clickhouse-server", cmd, syscall.SIGTERM)
	return err
}

// wait returns when the server answers, or has ended.
func (s *Server) wait(ctx context.Context) error {
	return s.process.Wait(ctx, func() error {
		rows, err := s.Query(ctx, "", "select version()")
		if err == nil && len(rows) != 1 {
			err = fmt.Errorf("%d versions", len(rows))
		}
		if err == nil {
			s.version = rows[0][0]
		}
		return err
	})
}

// Address is the server's HTTP interface.
func (s *Server) Address() string { return fmt.Sprintf("127.0.0.1:%d", s.port) }

// Version is the server's: 18.16.1.
func (s *Server) Version() string { return s.version }

// Log is the end of what the server logged.
func (s *Server) Log() string { return s.process.Log() }

// Exec runs statements, one after the other, in a database as the superuser.
func (s *Server) Exec(ctx context.Context, database string, statements ...string) error {
	for _, text := range statements {
		if _, err := s.ask(ctx, database, text); err != nil {
			return err
		}
	}
	return nil
}

// Query is Exec of one statement that returns its rows as text.
func (s *Server) Query(ctx context.Context, database, text string) ([][]string, error) {
	out, err := s.ask(ctx, database, text)
	if err != nil {
		return nil, err
	}
	var rows [][]string
	for line := range strings.Lines(out) {
		rows = append(rows, strings.Split(strings.TrimSuffix(line, "\n"), "\t"))
	}
	return rows, nil
}

func (s *Server) ask(ctx context.Context, database, text string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	at := url.URL{Scheme: "http", Host: s.Address(), Path: "/", RawQuery: url.Values{"database": {database}}.Encode()}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, at.String(), strings.NewReader(text))
	if err != nil {
		return "", err
	}
	req.Header.Set("X-ClickHouse-User", Superuser)
	req.Header.Set("X-ClickHouse-Key", s.password)
	req.Close = true
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return "", err
	}
	if res.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%.200s: %s", text, bytes.TrimSpace(body))
	}
	return string(body), nil
}

// Stop ends the server, waits until it has ended, and removes its folder. It may be
// called more than once.
func (s *Server) Stop() {
	s.stop.Do(func() {
		s.process.End(20*time.Second, syscall.SIGKILL)
		if s.dir != "" {
			_ = os.RemoveAll(s.dir)
		}
	})
}
