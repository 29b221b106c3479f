package tdstest_test

import (
	"context"
	"database/sql"
	"testing"

	mssql "github.com/microsoft/go-mssqldb"
	"github.com/microsoft/go-mssqldb/msdsn"

	"github.com/sallyport/sallyport/connectors/mssql/tdstest"
)

// TestClient drives the server by a client that is not ours.
func TestClient(t *testing.T) {
	const endless = "with n (i) as (select 1 union all select i + 1 from n) select count(*) from n"
	ctx, cancel := context.WithCancel(t.Context())
	s, err := tdstest.Start(tdstest.Options{OnBatch: func(text string) {
		if text == endless {
			cancel()
		}
	}, Login: "app", Password: "pw-1", Database: "shop", Setup: "create table dbo.t (id int, name nvarchar(20)); insert into dbo.t values (1, 'one'), (2, null)"})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Stop()
	db := sql.OpenDB(connector(t, s))
	defer db.Close()
	var id int
	var name sql.NullString
	if err := db.QueryRowContext(t.Context(), "select top (1) [id], name from dbo.t where name is null").Scan(&id, &name); err != nil || id != 2 || name.Valid {
		t.Errorf("a batch: %d %v %v", id, name, err)
	}
	if err := db.QueryRowContext(t.Context(), "select id from dbo.t where name = @p1", "one").Scan(&id); err != nil || id != 1 {
		t.Errorf("sp_executesql: %d %v", id, err)
	}
	tx, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	r, err := tx.ExecContext(t.Context(), "update dbo.t set name = 'x'")
	if err != nil {
		t.Fatal(err)
	}
	if n, _ := r.RowsAffected(); n != 2 {
		t.Errorf("%d rows affected, want 2", n)
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	rows, err := s.Rows("select name from dbo.t order by id")
	if err != nil || rows[0][0] != "one" {
		t.Errorf("after a rollback: %v %v", rows, err)
	}
	if err := db.QueryRowContext(ctx, endless).Scan(&id); err == nil {
		t.Error("attention does not end a statement")
	}
	if err := db.QueryRowContext(t.Context(), "select id from dbo.t where id = 1").Scan(&id); err != nil {
		t.Errorf("after attention: %v", err)
	}
}

func connector(t *testing.T, s *tdstest.Server) *mssql.Connector {
	t.Helper()
	p, err := msdsn.Parse("sqlserver://" + s.Address() + "?encrypt=disable&database=shop")
	if err != nil {
		t.Fatal(err)
	}
	p.User, p.Password = "app", "pw-1"
	return mssql.NewConnectorConfig(p)
}
