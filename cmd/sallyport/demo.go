package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/sallyport/sallyport/cmd/sallyport/demo"
	"github.com/sallyport/sallyport/server/identity/oidctest"
)

// demoClient is the OAuth client of the demo's bastion.
const demoClient = "sallyport"

// marker is the file by which --reset knows a directory as a demo's.
const marker = "sallyport-demo"

type demoFlags struct {
	listen, http, data, postgresURL, later string
	reset                                  bool
}

// starts reports whether a resource's server is started with the demo, and not only
// when it is first opened.
func (o *demoFlags) starts(resource string) bool {
	return !slices.Contains(strings.Split(o.later, ","), resource)
}

// runDemo starts what a bastion needs around it, writes a configuration, and
// serves it.
func runDemo(ctx context.Context, args []string, io stdio) error {
	f := flags("demo", io)
	var o demoFlags
	f.StringVar(&o.listen, "listen", "127.0.0.1:2222", "the SSH address, on loopback")
	f.StringVar(&o.http, "http", "127.0.0.1:2280", "the identity provider's address, on loopback")
	f.StringVar(&o.data, "data", "", "where the demo keeps its data (default: the user's state directory)")
	f.StringVar(&o.postgresURL, "postgres-url", "", "an empty PostgreSQL database for orders-db, as its owner: postgres://user:password@host/db")
	f.StringVar(&o.later, "later", "", "resources whose servers start only when they are first opened: orders-db,orders-maria")
	f.BoolVar(&o.reset, "reset", false, "forget everything from earlier demos in the data directory")
	if err := parse(f, args); err != nil {
		return err
	}
	for flag, addr := range map[string]string{"--listen": o.listen, "--http": o.http} {
		if err := loopback(addr); err != nil {
			return &usageError{flag + ": " + err.Error(), "anybody who reaches the demo can sign in as anybody, so it stays on 127.0.0.1, ::1 or localhost"}
		}
	}
	if err := o.directory(); err != nil {
		return err
	}
	return demoRun(ctx, o, io)
}

// loopback reports whether an address is bound to loopback, and to nothing else.
func loopback(addr string) error {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("%q is not host:port", addr)
	}
	if host == "localhost" {
		return nil
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return fmt.Errorf("%q is not a loopback address", addr)
	}
	return nil
}

// demoDirectory is where the demo keeps its data unless told otherwise.
func demoDirectory() (string, error) {
	state := os.Getenv("XDG_STATE_HOME")
	if state == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", &hinted{fmt.Errorf("find a place for the demo's data: %w", err), "--data DIR names one"}
		}
		state = filepath.Join(home, ".local", "state")
	}
	return filepath.Join(state, "sallyport-demo"), nil
}

// directory makes the data directory, emptying it first with --reset.
func (o *demoFlags) directory() error {
	if o.data == "" {
		var err error
		if o.data, err = demoDirectory(); err != nil {
			return err
		}
	}
	data, err := filepath.Abs(o.data)
	if err != nil {
		return fmt.Errorf("find data directory: %w", err)
	}
	o.data = data
	mark := filepath.Join(o.data, marker)
	if o.reset {
		if _, err := os.Stat(mark); err != nil {
			if _, err := os.Stat(o.data); err == nil {
				return &hinted{fmt.Errorf("%q is not a demo's data directory", o.data), "--reset empties only what a demo has made"}
			}
		}
		if err := os.RemoveAll(o.data); err != nil {
			return fmt.Errorf("reset demo: %w", err)
		}
	}
	if err := os.MkdirAll(o.data, 0o700); err != nil {
		return fmt.Errorf("make data directory: %w", err)
	}
	return os.WriteFile(mark, []byte("made by sallyport demo; --reset removes this directory\n"), 0o600)
}

// demoPeople are whom the demo's provider vouches for.
var demoPeople = []oidctest.Person{
	{Name: "alice", Email: "alice@demo.example", Groups: []string{"engineering"}},
	{Name: "bob", Email: "bob@demo.example", Groups: []string{"dba"}},
	{Name: "carol", Email: "carol@demo.example", Groups: []string{"auditors"}},
	{Name: "dave", Email: "dave@demo.example"},
}

func demoRun(ctx context.Context, o demoFlags, io stdio) (err error) {
	l, err := listen(o.listen)
	if err != nil {
		return err
	}
	defer func() { _ = l.Close() }() // serve has closed it where all went well
	log := slog.New(slog.NewTextHandler(io.err, &slog.HandlerOptions{Level: slog.LevelWarn}))
	provider, err := oidctest.New(oidctest.Options{Listen: o.http, ClientID: demoClient, People: demoPeople,
		Key: filepath.Join(o.data, "provider.pem"), Log: log})
	if err != nil {
		return &hinted{fmt.Errorf("start identity provider: %w", err), "is another demo running? --http takes another address"}
	}
	defer func() { err = errors.Join(err, provider.Close(context.WithoutCancel(ctx))) }()
	host, err := demo.StartHost(filepath.Join(o.data, "host"))
	if err != nil {
		return fmt.Errorf("start demo host: %w", err)
	}
	defer func() { err = errors.Join(err, host.Close()) }()
	api, err := demo.StartAPI(filepath.Join(o.data, "api"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, api.Close()) }()
	lite := filepath.Join(o.data, "orders.sqlite")
	if err := demo.SQLite(lite, false); err != nil {
		return fmt.Errorf("make demo data: %w", err)
	}
	pg := newDemoPostgres(ctx, o, log)
	defer pg.stop()
	maria := newDemoMaria(ctx, o, log)
	defer maria.stop()
	path := filepath.Join(o.data, "demo.yaml")
	text, err := demo.Config(demo.Settings{Listen: l.Addr().String(), Address: reach(l.Addr()), Data: o.data,
		Issuer: provider.Issuer(), ClientID: demoClient, SQLite: lite, Postgres: pg.settings(), Maria: maria.settings(), Host: host.Target(), APIToken: api.TokenFile()})
	if err == nil {
		err = os.WriteFile(path, []byte(text), 0o600)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(o.data, "demo-cases.yaml"), []byte(demo.Cases), 0o600)
	}
	if err != nil {
		return fmt.Errorf("write demo configuration: %w", err)
	}
	return serve(ctx, serveOptions{config: path, log: log, listener: l,
		dial: dialers{demo.HostName: host.Dial, demo.APIName: api.Dial, demo.PostgresName: pg.dial, demo.MariaName: maria.dial},
		ready: func(a net.Addr, fingerprint string) {
			fmt.Fprint(io.out, demoHello(a, fingerprint, provider, path, o, pg.unavailable, maria.unavailable))
		},
	})
}

// demoHello is what the demo prints when it is ready.
func demoHello(a net.Addr, fingerprint string, p *oidctest.Provider, config string, o demoFlags, noPostgres, noMaria string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\nThe Sallyport demo is ready:\n\n    ssh %s\n\n", reach(a))
	fmt.Fprintf(&b, "Host key       %s\n", fingerprint)
	fmt.Fprint(&b, "People         alice (engineering), bob (dba), carol (auditors), dave (no group)\n")
	fmt.Fprintf(&b, "Sign-in        open the URL that ssh shows, or approve its code from a shell:\n\n    %s\n\n", oidctest.CurlApprove(p.URL(), "", "alice"))
	if noPostgres != "" {
		fmt.Fprintf(&b, "No orders-db:  %s\n", noPostgres)
	}
	if noMaria != "" {
		fmt.Fprintf(&b, "No orders-maria: %s\n", noMaria)
	}
	fmt.Fprintf(&b, "Configuration  %s\nData           %s\n", config, o.data)
	fmt.Fprintf(&b, "Evidence       %s transcript verify --data %s   (once it is stopped)\n\n", self(), o.data)
	fmt.Fprint(&b, "This is a demo: any local account on this machine can sign in as anybody. ctrl-c stops it.\n")
	return b.String()
}

// self is how one calls this program again: `go run` builds one that is gone then.
func self() string {
	if exe, err := os.Executable(); err == nil && strings.Contains(exe, "go-build") {
		return "go run ./cmd/sallyport"
	}
	return os.Args[0]
}

// reach is what one types behind ssh to reach the demo.
func reach(a net.Addr) string {
	_, port, err := net.SplitHostPort(a.String())
	if err != nil || port == "22" {
		return "localhost"
	}
	return "-p " + port + " localhost"
}

// password is 128 random bits as text.
func password() string {
	var b [16]byte
	rand.Read(b[:]) // never fails
	return fmt.Sprintf("%x", b)
}

// once is a value that becomes ready later.
type once struct {
	done chan struct{}
	err  error
	sync.Once
}

// settle makes the value ready; the first call counts.
func (o *once) settle(err error) { o.Do(func() { o.err = err; close(o.done) }) }

// wait returns when the value is ready, with its error.
func (o *once) wait(ctx context.Context) error {
	select {
	case <-o.done:
		return o.err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
