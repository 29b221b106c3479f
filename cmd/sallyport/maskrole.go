package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/sallyport/sallyport/connectors/postgres"
	"github.com/sallyport/sallyport/connectors/postgres/grants"
	"github.com/sallyport/sallyport/server/config"
	"github.com/sallyport/sallyport/tui/widget"
)

// maskRoleOptions are the flags of mask role.
type maskRoleOptions struct {
	config, role, as    string
	revokePublic, check bool
	json                bool
}

// runMaskRole prints the SQL of the restricted role to stdout, or checks it. It
// changes nothing at the target: an administrator runs what it prints.
func runMaskRole(ctx context.Context, args []string, io stdio) error {
	var o maskRoleOptions
	f := flags("mask role", io)
	f.StringVar(&o.config, "config", "", "the configuration file")
	f.StringVar(&o.role, "role", "", "the role's name (default: the resource's masked_user)")
	f.BoolVar(&o.revokePublic, "revoke-public", false, "also take from PUBLIC, and so from others, what reaches masked columns")
	f.BoolVar(&o.check, "check", false, "report what is open, and print no SQL")
	f.StringVar(&o.as, "as", "", "with --check: check this role with the resource's ordinary login")
	f.BoolVar(&o.json, "json", false, "with --check: the report as JSON")
	if err := parse(f, args); err != nil {
		return err
	}
	switch {
	case f.NArg() != 1:
		return &usageError{"mask role needs one resource", "sallyport mask role RESOURCE --config FILE"}
	case !o.check && (o.as != "" || o.json):
		return &usageError{"--as and --json belong to --check", ""}
	case o.check && o.revokePublic:
		return &usageError{"--check changes and prints no SQL: leave --revoke-public out", ""}
	}
	m, err := loadMaskTarget(o.config, f.Arg(0), "postgres")
	if err != nil {
		return err
	}
	name := cmp.Or(o.as, o.role, m.resource.MaskedUser)
	if name == "" {
		return &usageError{fmt.Sprintf("resource %q has no masked_user: name the role with --role NAME", m.resource.Name), ""}
	}
	if len(m.masks.Kept) == 0 {
		fmt.Fprintf(io.err, "no mask hides a column of %s: the role may read everything\n", m.resource.Name)
	}
	ctx, cancel := context.WithTimeout(ctx, maskRoleTime)
	defer cancel()
	if o.check {
		return m.checkRole(ctx, io, name, o)
	}
	return m.printRole(ctx, io, name, o.revokePublic)
}

// maskRoleTime bounds reading the catalog.
const maskRoleTime = 4 * checkTime

func (m *maskTarget) printRole(ctx context.Context, io stdio, name string, revokePublic bool) error {
	conn, done, err := m.open(ctx, closedGuard{}, false)
	if err != nil {
		return err
	}
	defer done()
	text, err := conn.(*postgres.Conn).RoleSQL(ctx, m.kept, name, revokePublic)
	if err != nil {
		return err
	}
	// It goes to psql, so it is the text itself; names in it are quoted. A name that
	// would drive a terminal is refused, not changed into another.
	if safe := widget.EscapeLines(text); safe != text {
		return errors.New("the database has names with control characters, which are not printed")
	}
	fmt.Fprint(io.out, text)
	fmt.Fprintf(io.err, "run it as a superuser (psql -d %s), set the role's password there (\\password), then put\n"+
		"masked_user: %s and masked_password: {file: ...} into the configuration and try: sallyport mask role %s --check\n",
		widget.Escape(m.resource.Database), widget.Escape(name), m.resource.Name)
	return nil
}

// checkRole signs in as the role where its credential is there, which shows that
// this works, too; otherwise the ordinary login looks at it.
func (m *maskTarget) checkRole(ctx context.Context, io stdio, name string, o maskRoleOptions) error {
	second := o.as == "" && m.target.Endpoint.Masked != nil && name == m.target.Endpoint.Masked.User
	conn, done, err := m.open(ctx, closedGuard{}, second)
	if err != nil {
		return err
	}
	defer done()
	r, err := conn.(*postgres.Conn).RoleReport(ctx, m.kept, name)
	if errors.Is(err, grants.ErrNoRole) {
		return &hinted{err, "sallyport mask role " + m.resource.Name + " prints the SQL that makes it"}
	}
	if err != nil {
		return err
	}
	if o.json {
		if r.Open == nil {
			r.Open = []grants.Finding{}
		}
		if err := printJSON(io, r); err != nil {
			return err
		}
	} else {
		printReport(io, r)
	}
	if !second {
		fmt.Fprintln(io.err, "looked at with the ordinary login; that the role can sign in was not tried")
	}
	if !r.Closed {
		return errFound
	}
	return nil
}

// checkMasked signs in with a resource's restricted login and reports whether it
// is closed: while it is not, what is not understood whole is refused.
func checkMasked(ctx context.Context, cfg *config.Config, name string) error {
	m, err := newMaskTarget(cfg, name, "postgres")
	if err != nil {
		return err
	}
	conn, done, err := m.open(ctx, closedGuard{}, true)
	if err != nil {
		return err
	}
	defer done()
	r, err := conn.(*postgres.Conn).RoleReport(ctx, m.kept, m.resource.MaskedUser)
	if err == nil && !r.Closed {
		err = &hinted{errors.New("it is not closed, and so not used: " + r.Why()), "sallyport mask role " + name + " --check lists all, with what closes it"}
	}
	return err
}

func printReport(io stdio, r grants.Report) {
	for _, f := range r.Open {
		fmt.Fprintf(io.out, "open  %s\n", widget.Escape(f.String()))
		if f.Fix != "" {
			fmt.Fprintf(io.out, "      fix: %s;\n", widget.Escape(f.Fix))
		}
	}
	if r.Closed {
		fmt.Fprintf(io.out, "closed: %s reaches none of %d masked columns, and only reads\n", widget.Escape(r.Role), r.Masked)
		return
	}
	fmt.Fprintf(io.out, "%d open: the restricted login is not used until they are closed\n", len(r.Open))
}
