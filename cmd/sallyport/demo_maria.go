package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/sallyport/sallyport/cmd/sallyport/demo"
	"github.com/sallyport/sallyport/connectors/mysql/mariaserver"
	"github.com/sallyport/sallyport/mask"
)

// demoMaria is the server behind orders-maria, started in the background where its
// programs are found.
type demoMaria struct {
	unavailable string // says why there is none
	address     string
	passFile    string
	ready       *once
	begin       sync.Once // of the start
	run         func()
	server      *mariaserver.Server
	cancel      context.CancelFunc
}

func newDemoMaria(ctx context.Context, o demoFlags, log *slog.Logger) *demoMaria {
	m := &demoMaria{passFile: filepath.Join(o.data, "orders-maria.password"), ready: &once{done: make(chan struct{})}}
	ctx, m.cancel = context.WithCancel(ctx)
	if err := mariaserver.Available(ctx); err != nil {
		m.unavailable = err.Error()
		return m
	}
	pass := mask.NewSecret([]byte(password()))
	if err := os.WriteFile(m.passFile, pass.Reveal(), 0o600); err != nil {
		m.unavailable = "its password cannot be stored: " + err.Error()
		return m
	}
	dir := serverDirectory(o.data) + "-maria"
	if o.reset {
		if err := os.RemoveAll(dir); err != nil {
			m.unavailable = "its earlier data cannot be removed: " + err.Error()
			return m
		}
	}
	m.address = filepath.Join(dir, "s.sock") // named in the configuration; dial knows the real one
	m.run = func() {
		err := m.start(ctx, dir, pass)
		if err != nil && ctx.Err() == nil {
			log.Warn("orders-maria did not start", "err", err)
		}
		m.ready.settle(err)
	}
	if o.starts(demo.MariaName) {
		m.begin.Do(func() { go m.run() })
	}
	return m
}

// start starts the server and loads the demo's data where it is not there yet.
func (m *demoMaria) start(ctx context.Context, dir string, pass mask.Secret) error {
	s, err := mariaserver.Start(ctx, mariaserver.Options{Dir: dir, Persist: true})
	if err != nil {
		return err
	}
	m.server = s
	rows, err := s.Query(ctx, "", "select count(*) from information_schema.tables where table_schema = '"+demoDatabase+"' and table_name = 'loaded'")
	if err != nil {
		return err
	}
	if rows[0][0] == "0" {
		if err := s.Exec(ctx, "", "drop database if exists "+demoDatabase+"; create database "+demoDatabase+" character set utf8mb4"); err != nil {
			return err
		}
		schema := append(demo.MariaSchema(), "create table loaded (x int)") // the last: it says that all is there
		if err := s.Exec(ctx, demoDatabase, strings.Join(schema, ";\n")); err != nil {
			return fmt.Errorf("load demo data: %w", err)
		}
	}
	if err := s.Exec(ctx, "", strings.Join(demo.MariaLogin(demoDatabase, pass), ";\n")); err != nil {
		return errors.New("make the login of orders-maria") // the statement holds its password
	}
	return nil
}

// settings are what the configuration says of orders-maria.
func (m *demoMaria) settings() demo.MariaTarget {
	return demo.MariaTarget{Unavailable: m.unavailable, Address: m.address, Database: demoDatabase, User: demo.MariaUser, PasswordFile: m.passFile}
}

// dial connects once the server has started; a start that failed is the reason why
// it cannot.
func (m *demoMaria) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	m.begin.Do(func() { go m.run() })
	if err := m.ready.wait(ctx); err != nil {
		return nil, fmt.Errorf("the demo's MariaDB: %w", err)
	}
	var d net.Dialer
	return d.DialContext(ctx, "unix", m.server.Socket())
}

func (m *demoMaria) stop() {
	m.cancel()
	m.begin.Do(func() { m.ready.settle(context.Canceled) })
	if m.unavailable == "" {
		<-m.ready.done // a start under way ends with the context
	}
	if m.server != nil {
		m.server.Stop()
	}
}
