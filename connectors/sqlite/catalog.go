package sqlite

import (
	"context"
	"strings"

	"github.com/sallyport/sallyport/connectors"
)

// Catalog lists the tables and views of the file, without SQLite's own. The
// columns are those of a "SELECT *" that is prepared, not run; a view that does
// not compile any more has none.
func (c *Conn) Catalog(ctx context.Context) ([]connectors.Relation, error) {
	if err := c.guard.Note(ctx, schemaQuery); err != nil {
		return nil, err
	}
	ctx, stop := c.either(ctx)
	defer stop()
	c.judging.Lock()
	defer c.judging.Unlock()
	if c.judge == nil {
		return nil, errClosed
	}
	var out []connectors.Relation
	err := c.judge.mine(ctx, func() error {
		k, err := readKinds(c.judge.c)
		if err != nil {
			return err
		}
		for _, name := range k.names {
			if internal(name) {
				continue
			}
			kind, _ := k.of(name)
			out = append(out, connectors.Relation{Schema: "main", Name: name, Kind: kind, Columns: c.columnsOf(name)})
		}
		return nil
	})
	return out, ended(ctx, schemaQuery, err)
}

func (c *Conn) columnsOf(table string) []connectors.RelationColumn {
	stmt, _, err := c.judge.c.Prepare(`SELECT * FROM main."` + strings.ReplaceAll(table, `"`, `""`) + `"`)
	if err != nil {
		return nil
	}
	defer stmt.Close()
	out := make([]connectors.RelationColumn, stmt.ColumnCount())
	for i := range out {
		out[i] = connectors.RelationColumn{Name: stmt.ColumnName(i), Type: strings.ToLower(stmt.ColumnDeclType(i))}
	}
	return out
}
