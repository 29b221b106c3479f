package postgres

import (
	"context"

	"github.com/sallyport/sallyport/connectors/postgres/grants"
	"github.com/sallyport/sallyport/mask"
)

// RoleSQL is grants.RoleSQL with this connection's login. revokePublic makes
// statements of what must be taken from PUBLIC. The statements are not run.
func (c *Conn) RoleSQL(ctx context.Context, p *mask.Plan, role string, revokePublic bool) (string, error) {
	var text string
	err := c.reading(ctx, func(ctx context.Context, cat grants.Catalog) (err error) {
		text, err = grants.RoleSQL(ctx, cat, p, role, grants.Options{Login: c.endpoint.User, RevokePublic: revokePublic})
		return err
	})
	return text, err
}

// RoleReport is grants.Check with this connection's login.
func (c *Conn) RoleReport(ctx context.Context, p *mask.Plan, role string) (grants.Report, error) {
	r := grants.Report{Role: role}
	err := c.reading(ctx, func(ctx context.Context, cat grants.Catalog) (err error) {
		r, err = grants.Check(ctx, cat, p, role)
		return err
	})
	return r, err
}

// reading is an operation of the gate's own that reads the catalog.
func (c *Conn) reading(ctx context.Context, read func(context.Context, grants.Catalog) error) error {
	run, err := c.beginOwn(ctx)
	if err != nil {
		return err
	}
	defer c.end()
	c.io <- struct{}{}
	defer func() { <-c.io }()
	return read(run, ownCatalog{c, c.guard})
}
