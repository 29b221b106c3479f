package main

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/sallyport/sallyport/connectors/postgres/grants"
	"github.com/sallyport/sallyport/mask"
)

// restrict makes the second login of a clone, as `mask role` says: what is not
// understood whole runs with it. What is taken from PUBLIC the ordinary login
// keeps.
func (s *corpusServer) restrict(ctx context.Context, database string, plan *mask.Plan) error {
	cfg := s.cfg.Copy()
	cfg.Database = database
	c, err := pgconn.ConnectConfig(ctx, cfg)
	if err != nil {
		return fmt.Errorf("connect to a clone: %w", err)
	}
	defer func() { _ = c.Close(context.WithoutCancel(ctx)) }()
	if _, err := c.Exec(ctx, "grant execute on all routines in schema public to "+s.login("app_rw")).ReadAll(); err != nil {
		return fmt.Errorf("make the logins of the corpus: %w", err)
	}
	role := s.login("masked")
	text, err := grants.RoleSQL(ctx, corpusCatalog{c}, plan, role, grants.Options{RevokePublic: true, Login: s.login("app_rw")})
	if err == nil {
		_, err = c.Exec(ctx, text+"\n;alter role "+role+" password '"+s.pass+"'").ReadAll()
	}
	if err != nil {
		return fmt.Errorf("make the restricted login of the corpus: %w", err)
	}
	return nil
}

// corpusCatalog reads a clone's catalog as the superuser.
type corpusCatalog struct{ c *pgconn.PgConn }

func (k corpusCatalog) Rows(ctx context.Context, text string, args ...string) ([][]string, error) {
	values := make([][]byte, len(args))
	for i, a := range args {
		values[i] = []byte(a)
	}
	result := k.c.ExecParams(ctx, text, values, nil, nil, nil).Read()
	rows := make([][]string, len(result.Rows))
	for i, r := range result.Rows {
		for _, v := range r {
			rows[i] = append(rows[i], string(v))
		}
	}
	return rows, result.Err
}
