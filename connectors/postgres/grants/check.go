package grants

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/mask"
)

// Check reports whether the role can reach a column that the plan masks, or do
// anything but read. The catalog is read by whatever login c has; the role's
// privileges are the role's own. Errors wrap ErrNoRole, or say what could not be
// read: the role is not to be used then either. A nil plan masks everything.
func Check(ctx context.Context, c Catalog, p *mask.Plan, name string) (Report, error) {
	roles, err := readRoles(ctx, c, name)
	if err != nil {
		return Report{Role: name}, err
	}
	s, err := read(ctx, c)
	if err != nil {
		return Report{Role: name}, err
	}
	k := &check{s: s, r: newReach(s, p), p: p, roles: roles}
	if err := k.standing(ctx, c); err != nil {
		return Report{Role: name}, err
	}
	if err := k.privileges(ctx, c); err != nil {
		return Report{Role: name}, err
	}
	return k.report(name), nil
}

// check gathers what is open.
type check struct {
	s     *snapshot
	r     *reach
	p     *mask.Plan
	roles []role // empty: what PUBLIC has alone
	// given are schemas that the role is about to be let into.
	given map[string]bool
	found []Finding
}

func (k *check) open(f Finding) { k.found = append(k.found, f) }

func (k *check) report(name string) Report {
	r := Report{Role: name, Open: order(k.found), Closed: len(k.found) == 0}
	for _, f := range k.r.fields {
		r.Masked += len(f)
	}
	return r
}

// grantees are the names that has_..._privilege takes, PUBLIC first: what it has
// is reported once, as its own.
func (k *check) grantees() []string {
	out := []string{"public"}
	for _, r := range k.roles {
		out = append(out, r.name)
	}
	return out
}

// superusers have every privilege, which is reported once, as the attribute.
func (k *check) asked() []string {
	return slices.DeleteFunc(k.grantees(), func(n string) bool {
		return slices.ContainsFunc(k.roles, func(r role) bool { return r.name == n && slices.Contains(r.attributes, "SUPERUSER") })
	})
}

func (k *check) privileges(ctx context.Context, c Catalog) error {
	for _, f := range []func(context.Context, Catalog) error{
		k.columns, k.relations, k.callable, k.systems, k.statistics, k.servers, k.largeObjects, k.writes, k.creates,
	} {
		if err := f(ctx, c); err != nil {
			return err
		}
	}
	k.partitions()
	return nil
}

// holder is who holds a privilege on an object, PUBLIC before others.
type holder struct {
	seen map[string]bool
}

// first reports whether what has not been reported yet. Rows come PUBLIC first;
// what PUBLIC has, every role has.
func (h *holder) first(key string) bool {
	if h.seen == nil {
		h.seen = map[string]bool{}
	}
	was := h.seen[key]
	h.seen[key] = true
	return !was
}

// via is a grantee for people and in SQL.
func via(g string) (people, sql string) {
	if g == "public" {
		return Public, Public
	}
	return g, quote(g)
}

const grantees = `pg_catalog.unnest($1::pg_catalog.text[]) with ordinality g(name, n)`

const columnsText = `select g.name, x.rel, x.num, pg_catalog.has_table_privilege(g.name, x.rel, 'SELECT') from ` + grantees + `, rows from (pg_catalog.unnest($2::pg_catalog.oid[]), pg_catalog.unnest($3::pg_catalog.int2[])) x(rel, num) where pg_catalog.has_column_privilege(g.name, x.rel, x.num, 'SELECT') order by g.n`

// columns finds masked columns that may be read by their own name.
func (k *check) columns(ctx context.Context, c Catalog) error {
	var rels []oid
	var nums []string
	for _, rel := range k.s.relations {
		for _, col := range rel.columns {
			if _, masked := k.r.fields[rel.oid][col.num]; masked {
				rels, nums = append(rels, rel.oid), append(nums, col.num)
			}
		}
	}
	var seen holder
	err := each(ctx, c, func(r []string) {
		if rel := k.s.byOID[oid(r[1])]; rel != nil && seen.first(r[1]+"."+r[2]) {
			people, sql := via(r[0])
			name := quote(rel.column(r[2]))
			fix := "REVOKE SELECT (" + name + ") ON " + rel.String() + " FROM " + sql
			if is(r[3]) { // a column cannot be taken out of the whole table's privilege
				fix = "REVOKE SELECT ON " + rel.String() + " FROM " + sql
			}
			k.open(Finding{KindColumn, rel.String() + "." + name, people, k.r.fields[rel.oid][r[2]], fix})
		}
	}, columnsText, array(k.asked()), array(rels), array(nums))
	if err != nil {
		return err
	}
	return k.systemColumns(ctx, c)
}

const systemColumnsText = `select n.nspname, c.relname, a.attname from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace join pg_catalog.pg_attribute a on a.attrelid = c.oid where n.nspname in ('pg_catalog', 'information_schema') and c.oid < ` + firstUser + ` and c.relkind in ('r', 'v') and a.attnum > 0 and not a.attisdropped and exists (select from ` + grantees + ` where pg_catalog.has_column_privilege(g.name, c.oid, a.attnum, 'SELECT'))`

// systemColumns finds columns of the server's own relations that a rule masks by
// its schema. A rule without one is about tables of users: *.name does not mean
// pg_timezone_names.
func (k *check) systemColumns(ctx context.Context, c Catalog) error {
	if len(k.asked()) == 0 {
		return nil
	}
	const nowhere = "\x00"
	return each(ctx, c, func(r []string) {
		rule, masked := k.p.Column(mask.Column{Schema: r[0], Table: r[1], Name: r[2]})
		_, anywhere := k.p.Column(mask.Column{Schema: nowhere, Table: r[1], Name: r[2]})
		if masked && !anywhere {
			k.open(Finding{KindSystem, quote(r[0]) + "." + quote(r[1]) + "." + quote(r[2]), "", "masked by " + rule.Name + ", and a part of the server that the role reads", ""})
		}
	}, systemColumnsText, array(k.asked()))
}

const relationsReadText = `select g.name, x.rel from ` + grantees + `, pg_catalog.unnest($2::pg_catalog.oid[]) x(rel) where pg_catalog.has_any_column_privilege(g.name, x.rel, 'SELECT') order by g.n`

// relations finds views and foreign tables that must not be read at all.
func (k *check) relations(ctx context.Context, c Catalog) error {
	var rels []oid
	for _, rel := range k.s.relations {
		if k.r.hidden(rel) != "" {
			rels = append(rels, rel.oid)
		}
	}
	var seen holder
	return each(ctx, c, func(r []string) {
		rel := k.s.byOID[oid(r[1])]
		if rel == nil || !seen.first(r[1]) {
			return
		}
		people, sql := via(r[0])
		kind := KindView
		if rel.kind == "f" {
			kind = KindForeign
		}
		k.open(Finding{kind, rel.String(), people, rel.word() + ": " + k.r.hidden(rel), "REVOKE SELECT ON " + rel.String() + " FROM " + sql})
	}, relationsReadText, array(k.asked()), array(rels))
}

const callableText = `select g.name, x.fn, exists (select from pg_catalog.unnest($1::pg_catalog.text[]) u(name) where pg_catalog.has_schema_privilege(u.name, x.ns, 'USAGE')) from ` + grantees + `, rows from (pg_catalog.unnest($2::pg_catalog.oid[]), pg_catalog.unnest($3::pg_catalog.oid[])) x(fn, ns) where pg_catalog.has_function_privilege(g.name, x.fn, 'EXECUTE') order by g.n`

// callable finds functions that reach more than their caller does. One in a
// schema that the role may not use cannot be named, nor called by its number.
func (k *check) callable(ctx context.Context, c Catalog) error {
	var fns, schemas []oid
	for _, f := range k.s.functions {
		if f.borrows() != "" {
			fns, schemas = append(fns, f.oid), append(schemas, f.schemaOID)
		}
	}
	var seen holder
	return each(ctx, c, func(r []string) {
		f := k.s.users[oid(r[1])]
		if f != nil && (is(r[2]) || k.given[f.schema]) && seen.first(r[1]) {
			people, sql := via(r[0])
			k.open(Finding{KindFunction, f.name, people, f.borrows(), "REVOKE EXECUTE ON ROUTINE " + f.name + " FROM " + sql})
		}
	}, callableText, array(k.asked()), array(fns), array(schemas))
}

// partitions finds masked columns whose values stand in partition bounds.
func (k *check) partitions() {
	for id, keys := range k.s.keys {
		rel := k.s.byOID[id]
		if rel == nil || len(k.r.fields[id]) == 0 {
			continue
		}
		for _, num := range keys {
			_, masked := k.r.fields[id][num]
			if masked || num == "0" { // an expression
				k.open(Finding{KindPartition, rel.String(), "", "its partitions' bounds, which everybody reads in the catalog, hold values of a masked column", ""})
			}
		}
	}
}

func count(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}

func lines(list []string) string { return strings.Join(list, "\n") }
