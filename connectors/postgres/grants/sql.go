package grants

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/sallyport/sallyport/mask"
)

// Options are the choices of RoleSQL. The zero value takes nothing from others.
type Options struct {
	// RevokePublic makes statements of what must be taken from PUBLIC, and so from
	// others, in place of comments.
	RevokePublic bool
	// Login is the resource's ordinary login, which must not be the role.
	Login string
}

// RoleSQL returns the statements that create the role, or make an existing one
// what it should be: a login that may read every unmasked column of tables and
// views and nothing else. It is one transaction, may be run again at any time,
// is the same for the same database and masks, and holds no password. It is to
// be run by a superuser, or by whoever owns all that is named in it.
func RoleSQL(ctx context.Context, c Catalog, p *mask.Plan, name string, o Options) (string, error) {
	if name == "" || name == o.Login {
		return "", fmt.Errorf("role %q: the restricted role must be another than the resource's ordinary login", name)
	}
	if strings.HasPrefix(name, "pg_") || strings.EqualFold(name, "public") || strings.EqualFold(name, "none") {
		return "", fmt.Errorf("role %q: PostgreSQL keeps this name for itself", name)
	}
	s, err := read(ctx, c)
	if err != nil {
		return "", err
	}
	w := &writer{s: s, r: newReach(s, p), name: name, sql: quote(name)}
	if w.existing, err = w.existingRole(ctx, c); err != nil {
		return "", err
	}
	w.head()
	w.create()
	if err := w.takeAway(ctx, c); err != nil {
		return "", err
	}
	w.give()
	// What PUBLIC has is read as if there were no such role.
	k := &check{s: s, r: w.r, p: p, given: w.readable()}
	if err := k.privileges(ctx, c); err != nil {
		return "", err
	}
	if err := k.defaults(ctx, c, []oid{}); err != nil {
		return "", err
	}
	w.others(order(k.found), o.RevokePublic)
	w.line("COMMIT;")
	return lines(w.out) + "\n", nil
}

// writer writes the text.
type writer struct {
	s         *snapshot
	r         *reach
	name, sql string
	existing  []role // the role and what it is a member of; empty where there is none
	out       []string
}

func (w *writer) line(format string, args ...any) {
	if len(args) > 0 {
		format = fmt.Sprintf(format, args...)
	}
	w.out = append(w.out, format)
}

// comment writes text that names may stand in: no line of it leaves the comment.
func (w *writer) comment(text string) {
	w.line("%s", "-- "+strings.NewReplacer("\n", " ", "\r", " ").Replace(text))
}

// existingRole refuses to take over a role that somebody uses for something else.
func (w *writer) existingRole(ctx context.Context, c Catalog) ([]role, error) {
	roles, err := readRoles(ctx, c, w.name)
	if errors.Is(err, ErrNoRole) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var owned []string
	if err := each(ctx, c, func(r []string) { owned = append(owned, r[1]) }, ownsText, array([]oid{roles[0].oid})); err != nil {
		return nil, err
	}
	if len(owned) > 0 {
		return nil, fmt.Errorf("role %q owns %s (%s): an owner reads what it owns, whatever is granted; take another role, or give that to another owner",
			w.name, count(len(owned), "object"), owned[0])
	}
	return roles, nil
}

func (w *writer) head() {
	masked := 0
	for _, f := range w.r.fields {
		masked += len(f)
	}
	w.comment(fmt.Sprintf("The restricted role %s of database %s: it reads what no mask hides, and nothing else.", w.name, w.s.database))
	w.comment(fmt.Sprintf("%s kept from it. Run this as a superuser, or as the owner of all that is named; again after every", count(masked, "column")))
	w.comment("change of tables, views or masks. Its password is set apart, so that it is in no file and no history; in psql:")
	w.comment(`    \password ` + pgIdent(w.name))
	w.line("BEGIN;")
}

func (w *writer) create() {
	tag := "$sallyport$"
	for strings.Contains(w.name, tag) {
		tag = tag[:len(tag)-1] + "_$"
	}
	w.line("DO %s BEGIN IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = %s) THEN", tag, literal(w.name))
	w.line("  CREATE ROLE %s LOGIN NOINHERIT NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS;", w.sql)
	w.line("END IF; END %s;", tag)
	w.line("ALTER ROLE %s LOGIN NOINHERIT;", w.sql)
	// Of an existing role only those may even deny these who have them themselves.
	if len(w.existing) > 0 {
		for _, a := range attributes {
			if strings.Contains(" "+strings.Join(w.existing[0].attributes, " ")+" ", " "+a.word+" ") {
				w.line("ALTER ROLE %s %s;", w.sql, a.off)
			}
		}
	}
	w.line("ALTER ROLE %s SET default_transaction_read_only = on;", w.sql)
}

const (
	membershipsText = `select r.rolname from pg_catalog.pg_auth_members a join pg_catalog.pg_roles r on r.oid = a.roleid join pg_catalog.pg_roles m on m.oid = a.member where m.rolname = $1 order by 1`

	heldText = `select o.type, o.identity from pg_catalog.pg_shdepend d join pg_catalog.pg_roles r on r.oid = d.refobjid cross join lateral pg_catalog.pg_identify_object(d.classid, d.objid, 0) o where d.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass and d.deptype = 'a' and r.rolname = $1 and d.dbid in (0, (select b.oid from pg_catalog.pg_database b where b.datname = pg_catalog.current_database())) and d.classid <> 'pg_catalog.pg_default_acl'::pg_catalog.regclass order by 1, 2`

	defaultsHeldText = `select distinct r.rolname, coalesce(n.nspname, ''), d.defaclobjtype from pg_catalog.pg_default_acl d cross join lateral pg_catalog.aclexplode(d.defaclacl) a join pg_catalog.pg_roles r on r.oid = d.defaclrole left join pg_catalog.pg_namespace n on n.oid = d.defaclnamespace join pg_catalog.pg_roles g on g.oid = a.grantee where g.rolname = $1 order by 1, 2, 3`
)

// held are the words of REVOKE for what pg_identify_object names.
var held = map[string]string{
	"function": "ROUTINE ", "procedure": "ROUTINE ", "aggregate": "ROUTINE ", "server": "FOREIGN SERVER ",
	"foreign-data wrapper": "FOREIGN DATA WRAPPER ", "language": "LANGUAGE ", "type": "TYPE ", "domain": "DOMAIN ",
	"large object": "LARGE OBJECT ", "tablespace": "TABLESPACE ", "database": "DATABASE ", "schema": "SCHEMA ",
	"table": "", "view": "", "materialized view": "", "foreign table": "", "sequence": "SEQUENCE ",
	"parameter ACL": "PARAMETER ",
}

// takeAway revokes everything: what is in schemas of users by schema, whatever
// is there by the time this runs, and all else that the role has now.
func (w *writer) takeAway(ctx context.Context, c Catalog) error {
	w.line("")
	w.comment("Whatever it had.")
	if err := each(ctx, c, func(r []string) { w.line("REVOKE %s FROM %s;", quote(r[0]), w.sql) }, membershipsText, w.name); err != nil {
		return err
	}
	kinds := map[string]string{"r": "TABLES", "S": "SEQUENCES", "f": "ROUTINES", "T": "TYPES", "n": "SCHEMAS"}
	if err := each(ctx, c, func(r []string) {
		in := ""
		if r[1] != "" {
			in = " IN SCHEMA " + quote(r[1])
		}
		w.line("ALTER DEFAULT PRIVILEGES FOR ROLE %s%s REVOKE ALL ON %s FROM %s;", quote(r[0]), in, kinds[r[2]], w.sql)
	}, defaultsHeldText, w.name); err != nil {
		return err
	}
	w.line("REVOKE ALL ON DATABASE %s FROM %s;", quote(w.s.database), w.sql)
	for _, schema := range w.s.schemas {
		w.line("REVOKE ALL ON SCHEMA %s FROM %s;", quote(schema), w.sql)
		w.line("REVOKE ALL ON ALL TABLES IN SCHEMA %s FROM %s;", quote(schema), w.sql)
	}
	return each(ctx, c, func(r []string) {
		word, ok := held[r[0]]
		if !ok || r[0] == "database" && r[1] == pgIdent(w.s.database) || w.covered(r[0], r[1]) {
			return
		}
		w.line("REVOKE ALL ON %s%s FROM %s;", word, r[1], w.sql)
	}, heldText, w.name)
}

// covered reports whether the statements by schema took it already.
func (w *writer) covered(kind, identity string) bool {
	for _, s := range w.s.schemas {
		switch kind {
		case "schema":
			if identity == pgIdent(s) {
				return true
			}
		case "table", "view", "materialized view", "foreign table":
			if strings.HasPrefix(identity, pgIdent(s)+".") {
				return true
			}
		}
	}
	return false
}

// give grants what no mask hides.
func (w *writer) give() {
	w.line("")
	w.comment("What it may read.")
	w.line("GRANT CONNECT ON DATABASE %s TO %s;", quote(w.s.database), w.sql)
	given := w.readable()
	for _, schema := range w.s.schemas {
		if given[schema] {
			w.line("GRANT USAGE ON SCHEMA %s TO %s;", quote(schema), w.sql)
		}
	}
	for _, rel := range w.s.relations {
		w.relation(rel)
	}
}

// readable are the schemas in which there is anything to read.
func (w *writer) readable() map[string]bool {
	given := map[string]bool{}
	for _, rel := range w.s.relations {
		if w.r.hidden(rel) == "" && len(w.r.fields[rel.oid]) < len(rel.columns) {
			given[rel.schema] = true
		}
	}
	return given
}

func (w *writer) relation(rel *relation) {
	if why := w.r.hidden(rel); why != "" {
		w.comment(fmt.Sprintf("not %s, a %s: %s", rel, rel.word(), why))
		return
	}
	masked := w.r.fields[rel.oid]
	if len(masked) == 0 {
		w.line("GRANT SELECT ON %s TO %s;", rel, w.sql)
		return
	}
	var shown, hidden []string
	for _, c := range rel.columns {
		if why, ok := masked[c.num]; ok {
			hidden = append(hidden, quote(c.name)+" ("+why+")")
			continue
		}
		shown = append(shown, quote(c.name))
	}
	w.comment(fmt.Sprintf("not of %s: %s", rel, strings.Join(hidden, ", ")))
	if len(shown) > 0 {
		w.line("GRANT SELECT (%s) ON %s TO %s;", strings.Join(shown, ", "), rel, w.sql)
	}
}

// others writes what everybody has and the role must not: it takes from others
// too, so it is a comment unless asked for.
func (w *writer) others(open []Finding, revoke bool) {
	if len(open) == 0 {
		return
	}
	w.line("")
	w.comment("What everybody has and this role must not. Until it is closed the restricted login is not used.")
	if !revoke {
		w.comment("Taking it from PUBLIC takes it from others, too: grant it to those who need it first. --revoke-public makes")
		w.comment("statements of these.")
	}
	for _, f := range open {
		w.comment(f.String())
		switch {
		case f.Fix == "":
			w.comment("  (there is no single statement that closes it)")
		case revoke:
			w.line("%s", f.Fix+";")
		default:
			w.comment("  " + f.Fix + ";")
		}
	}
}

// pgIdent is quote_ident for names that need no quotes: as pg_identify_object
// writes them. Of keywords it knows nothing; a REVOKE more does no harm.
func pgIdent(s string) string {
	for i, r := range s {
		if !(r == '_' || r >= 'a' && r <= 'z' || i > 0 && r >= '0' && r <= '9') {
			return quote(s)
		}
	}
	return s
}
