package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"

	"github.com/sallyport/sallyport/cmd/sallyport/demo"
	"github.com/sallyport/sallyport/connectors/postgres/pgserver"
	"github.com/sallyport/sallyport/mask"
)

// demoDatabase is the database's name on the demo's own server.
const demoDatabase = "orders"

// demoPostgres is the server behind orders-db: the demo's own, started in the
// background, or somebody's by URL.
type demoPostgres struct {
	// unavailable says why there is none.
	unavailable string
	address     string
	database    string
	passFile    string
	tls         string
	ready       *once
	begin       sync.Once // of the start
	run         func()
	server      *pgserver.Server
	cancel      context.CancelFunc
}

func newDemoPostgres(ctx context.Context, o demoFlags, log *slog.Logger) *demoPostgres {
	p := &demoPostgres{database: demoDatabase, passFile: filepath.Join(o.data, "orders-db.password"), tls: "disable", ready: &once{done: make(chan struct{})}}
	ctx, p.cancel = context.WithCancel(ctx)
	pass := mask.NewSecret([]byte(password()))
	if err := os.WriteFile(p.passFile, pass.Reveal(), 0o600); err != nil {
		p.unavailable = "its password cannot be stored: " + err.Error()
		return p
	}
	if o.postgresURL != "" {
		p.foreign(ctx, o.postgresURL, pass)
		return p
	}
	if err := pgserver.Available(ctx); err != nil {
		p.unavailable = err.Error()
		return p
	}
	dir := serverDirectory(o.data)
	if o.reset {
		if err := os.RemoveAll(dir); err != nil {
			p.unavailable = "its earlier data cannot be removed: " + err.Error()
			return p
		}
	}
	p.address = filepath.Join(dir, "s") // named in the configuration; dial knows the real one
	p.run = func() {
		err := p.start(ctx, dir, pass)
		if err != nil && ctx.Err() == nil {
			log.Warn("orders-db did not start", "err", err)
		}
		p.ready.settle(err)
	}
	if o.starts(demo.PostgresName) {
		p.begin.Do(func() { go p.run() })
	}
	return p
}

// serverDirectory is where the server keeps its data: a place that its user can
// reach, which a root's home is not.
func serverDirectory(data string) string {
	if os.Geteuid() != 0 {
		return filepath.Join(data, "postgres")
	}
	sum := sha256.Sum256([]byte(data))
	return filepath.Join("/var/tmp", "sallyport-demo-"+hex.EncodeToString(sum[:6]))
}

// start starts the server and loads the demo's data where it is not there yet.
func (p *demoPostgres) start(ctx context.Context, dir string, pass mask.Secret) error {
	s, err := pgserver.Start(ctx, pgserver.Options{Dir: dir, Persist: true})
	if err != nil {
		return err
	}
	p.server = s
	if _, err := s.CreateDatabase(ctx, demoDatabase); err != nil {
		return err
	}
	rows, err := s.Query(ctx, demoDatabase, "select count(*) from pg_class where relname = 'customers' and relkind = 'r'")
	if err != nil {
		return err
	}
	if len(rows) == 1 && rows[0][0] == "0" {
		schema := "begin;\n" + strings.Join(demo.PostgresSchema(), ";\n") + ";\ncommit;"
		if err := s.Exec(ctx, demoDatabase, schema); err != nil {
			return fmt.Errorf("load demo data: %w", err)
		}
	}
	if err := s.Exec(ctx, demoDatabase, strings.Join(demo.PostgresLogin(pass), ";\n")); err != nil {
		return errors.New("make the login of orders-db") // the statement holds its password
	}
	return nil
}

// foreign loads the demo's data into a database that somebody gave.
func (p *demoPostgres) foreign(ctx context.Context, raw string, pass mask.Secret) {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || len(u.Path) < 2 {
		p.unavailable = "--postgres-url is not postgres://user:password@host:port/database"
		return
	}
	p.address, p.database = u.Host, strings.TrimPrefix(u.Path, "/")
	if u.Port() == "" {
		p.address = net.JoinHostPort(u.Hostname(), "5432")
	}
	if mode := u.Query().Get("sslmode"); mode != "" {
		p.tls = mode
	}
	if err := load(ctx, raw, pass); err != nil {
		p.unavailable = err.Error()
	}
	p.ready.settle(nil)
}

func load(ctx context.Context, raw string, pass mask.Secret) (err error) {
	c, err := pgx.Connect(ctx, raw)
	if err != nil {
		return errors.New("the server of --postgres-url cannot be reached, or refuses the login")
	}
	defer func() { err = errors.Join(err, c.Close(context.WithoutCancel(ctx))) }()
	var there bool
	if err := c.QueryRow(ctx, "select to_regclass('public.customers') is not null").Scan(&there); err != nil {
		return fmt.Errorf("look at the database of --postgres-url: %w", err)
	}
	if !there {
		tx, err := c.Begin(ctx)
		if err != nil {
			return fmt.Errorf("load demo data: %w", err)
		}
		for _, s := range demo.PostgresSchema() {
			if _, err := tx.Exec(ctx, s); err != nil {
				return errors.Join(fmt.Errorf("load demo data: %w", err), tx.Rollback(ctx))
			}
		}
		if err := tx.Commit(ctx); err != nil {
			return fmt.Errorf("load demo data: %w", err)
		}
	}
	for _, s := range demo.PostgresLogin(pass) {
		if _, err := c.Exec(ctx, s); err != nil {
			return errors.New("make the login of orders-db: may this user create roles?")
		}
	}
	return nil
}

// settings are what the configuration says of orders-db.
func (p *demoPostgres) settings() demo.PostgresTarget {
	t := demo.PostgresTarget{Unavailable: p.unavailable, Address: p.address, Database: p.database, User: demo.PostgresUser, PasswordFile: p.passFile}
	if !filepath.IsAbs(p.address) {
		t.TLS = p.tls
	}
	return t
}

// dial connects once the server has started; a start that failed is the reason
// why it cannot.
func (p *demoPostgres) dial(ctx context.Context, network, address string) (net.Conn, error) {
	p.begin.Do(func() {
		if p.run != nil { // one of somebody's own runs already
			go p.run()
		}
	})
	if err := p.ready.wait(ctx); err != nil {
		return nil, fmt.Errorf("the demo's PostgreSQL: %w", err)
	}
	if p.server != nil {
		network, address = "unix", filepath.Join(p.server.SocketDir(), ".s.PGSQL.5432")
	}
	var d net.Dialer
	return d.DialContext(ctx, network, address)
}

func (p *demoPostgres) stop() {
	p.cancel()
	p.begin.Do(func() {
		if p.run != nil {
			p.ready.settle(context.Canceled)
		}
	})
	if p.address != "" && p.unavailable == "" {
		<-p.ready.done // a start under way ends with the context
	}
	if p.server != nil {
		p.server.Stop()
	}
}
