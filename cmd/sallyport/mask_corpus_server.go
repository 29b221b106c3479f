package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/mask"
)

// corpusServer is a server with a template database, of which it makes clones.
type corpusServer struct {
	cfg   *pgconn.Config // the superuser's
	tls   string
	admin *pgconn.PgConn // at another database: a template must be left alone
	// clone is the database that is used until something changes it.
	clone  string
	clones int
	tag    string
	// pass is the password of the logins: one as an application has it, a
	// superuser, and the restricted one.
	pass string
	plan *mask.Plan // of the sensitive columns
}

func newCorpusServer(ctx context.Context, raw string, plan *mask.Plan) (*corpusServer, error) {
	u, err := url.Parse(raw)
	if err != nil || len(u.Path) < 2 {
		return nil, &usageError{"a URL is not postgres://user:password@host:port/database", ""}
	}
	cfg, err := pgconn.ParseConfig(raw)
	if err != nil {
		return nil, errors.New("a URL is not one of PostgreSQL") // its error may hold the password
	}
	s := &corpusServer{cfg: cfg, tls: u.Query().Get("sslmode"), tag: strings.ToLower(password()[:8]), pass: password(), plan: plan}
	if s.tls == "" && (cfg.TLSConfig == nil || len(cfg.Fallbacks) > 0) {
		s.tls = "disable"
	}
	if err := s.connect(ctx); err != nil {
		return nil, fmt.Errorf("connect to the server of the corpus: %w", err)
	}
	for _, text := range []string{
		"create role " + s.login("app_rw") + " login password '" + s.pass + "'",
		"do $$ begin grant app_rw to " + s.login("app_rw") + "; exception when undefined_object then grant pg_read_all_data, pg_write_all_data to " + s.login("app_rw") + "; end $$",
		"create role " + s.login("superuser") + " superuser login password '" + s.pass + "'",
	} {
		if err := s.exec(ctx, text); err != nil {
			s.close()
			return nil, errors.New("make the logins of the corpus: is the URL a superuser's?")
		}
	}
	return s, nil
}

// login is the name of the login that stands for a role of a line.
func (s *corpusServer) login(role string) string {
	switch role {
	case "superuser":
		return "sallyport_corpus_super_" + s.tag
	case "masked":
		return "sallyport_corpus_masked_" + s.tag
	}
	return "sallyport_corpus_app_" + s.tag
}

// connect signs in beside the template, which must be left alone.
func (s *corpusServer) connect(ctx context.Context) (err error) {
	at := s.cfg.Copy()
	if at.Database = "postgres"; s.cfg.Database == "postgres" {
		at.Database = "template1"
	}
	s.admin, err = pgconn.ConnectConfig(ctx, at)
	return err
}

// exec runs what administers. A context that ends takes the connection with it;
// what must be dropped then needs another.
func (s *corpusServer) exec(ctx context.Context, text string) error {
	if s.admin.IsClosed() {
		if err := s.connect(ctx); err != nil {
			return err
		}
	}
	_, err := s.admin.Exec(ctx, text).ReadAll()
	return err
}

// templateBusy is what the server says where somebody is connected to a template. It has
// waited five seconds by then.
const templateBusy = "55006"

// copyTemplate makes a database of the template, as soon as it is left alone.
func (s *corpusServer) copyTemplate(ctx context.Context, name string) error {
	text := "create database " + name + ` template "` + strings.ReplaceAll(s.cfg.Database, `"`, `""`) + `"`
	for try := 1; ; try++ {
		err := s.exec(ctx, text)
		var pg *pgconn.PgError
		switch {
		case err == nil:
			return nil
		case !errors.As(err, &pg) || pg.Code != templateBusy:
			return fmt.Errorf("clone the template database: %w", err)
		case try == 6:
			return fmt.Errorf("clone the template database: others stay connected to %q: %w", s.cfg.Database, err)
		}
	}
}

// database is a clone that nothing has changed.
func (s *corpusServer) database(ctx context.Context) (string, error) {
	if s.clone != "" {
		return s.clone, nil
	}
	s.clones++
	name := fmt.Sprintf("sallyport_corpus_%s_%d", s.tag, s.clones)
	s.clone = name // even where it is not known whether it was made
	if err := s.copyTemplate(ctx, name); err != nil {
		return "", err
	}
	// A clone does not take over who may do what in its template.
	if err := s.exec(ctx, "grant all on database "+name+" to "+s.login("app_rw")); err != nil {
		return "", err
	}
	return name, s.restrict(ctx, name, s.plan)
}

// changed gives the clone up.
func (s *corpusServer) changed() {
	if s.clone == "" {
		return
	}
	_ = s.exec(context.Background(), "drop database if exists "+s.clone+" with (force)") // at worst it stays
	s.clone = ""
}

// pre runs what must have run before a line, as the superuser.
func (s *corpusServer) pre(ctx context.Context, l *leakLine, database string) error {
	if len(l.Pre) == 0 {
		return nil
	}
	cfg := s.cfg.Copy()
	cfg.Database = database
	c, err := pgconn.ConnectConfig(ctx, cfg)
	if err != nil {
		return fmt.Errorf("connect to a clone: %w", err)
	}
	defer func() { _ = c.Close(context.WithoutCancel(ctx)) }()
	for _, text := range l.Pre {
		if _, err := c.Exec(ctx, text).ReadAll(); err != nil {
			return fmt.Errorf("prepare the database: %w", err)
		}
	}
	return nil
}

// endpoint is a clone as the gate reaches it.
func (s *corpusServer) endpoint(database, role string) (connectors.Endpoint, mask.Secret) {
	address := net.JoinHostPort(s.cfg.Host, fmt.Sprint(s.cfg.Port))
	e := connectors.Endpoint{Name: "corpus", Address: address, User: s.login(role), Database: database, TLS: s.tls,
		Masked: &connectors.Login{User: s.login("masked")}}
	if filepath.IsAbs(s.cfg.Host) {
		e.Address, e.TLS = s.cfg.Host, ""
		port := s.cfg.Port
		host := s.cfg.Host
		e.Dial = func(ctx context.Context, _, _ string) (net.Conn, error) {
			network, path := pgconn.NetworkAddress(host, port)
			var d net.Dialer
			return d.DialContext(ctx, network, path)
		}
	}
	return e, mask.NewSecret([]byte(s.pass))
}

// close drops what was made.
func (s *corpusServer) close() {
	ctx := context.Background()
	s.changed()
	for _, role := range []string{"app_rw", "superuser", "masked"} {
		_ = s.exec(ctx, "drop owned by "+s.login(role))       // in this database, where a line could reach it
		_ = s.exec(ctx, "drop role if exists "+s.login(role)) // at worst it stays, without a known password
	}
	_ = s.admin.Close(ctx)
}

// raw is what a line's answer is without the gate.
func (s *corpusServer) raw(ctx context.Context, l *leakLine, database string) (string, error) {
	cfg := s.cfg.Copy()
	cfg.Database, cfg.User, cfg.Password = database, s.login(l.Role), s.pass
	var d corpusDump
	cfg.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) { d.notice(n.Severity + ": " + n.Message) }
	c, err := pgconn.ConnectConfig(ctx, cfg)
	if err != nil {
		return "", fmt.Errorf("connect to a clone: %w", err)
	}
	defer func() { _ = c.Close(context.WithoutCancel(ctx)) }()
	for _, text := range l.steps() {
		if isCopy(text) {
			var b strings.Builder
			tag, err := c.CopyTo(ctx, &b, text)
			if err != nil {
				d.failed(err)
				continue
			}
			for line := range strings.Lines(b.String()) {
				d.copied(strings.TrimSuffix(line, "\n"))
			}
			d.tag(tag.String())
			continue
		}
		d.results(c.Exec(ctx, text))
	}
	return d.String(), nil
}

func isCopy(text string) bool {
	word, _, _ := strings.Cut(strings.TrimSpace(text), " ")
	return strings.EqualFold(word, "copy")
}
