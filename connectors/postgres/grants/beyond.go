package grants

import "context"

const (
	systemTablesText = `select g.name, i.objoid::pg_catalog.regclass::pg_catalog.text from ` + grantees + `, pg_catalog.pg_init_privs i join pg_catalog.pg_class c on c.oid = i.objoid where i.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass and i.objsubid = 0 and c.relkind in ('r', 'v', 'm') and not exists (select from pg_catalog.aclexplode(i.initprivs) a where a.grantee = 0) and pg_catalog.has_table_privilege(g.name, i.objoid, 'SELECT') order by g.n`

	systemFunctionsText = `select g.name, i.objoid::pg_catalog.regprocedure::pg_catalog.text from ` + grantees + `, pg_catalog.pg_init_privs i where i.classoid = 'pg_catalog.pg_proc'::pg_catalog.regclass and not exists (select from pg_catalog.aclexplode(i.initprivs) a where a.grantee = 0) and pg_catalog.has_function_privilege(g.name, i.objoid, 'EXECUTE') order by g.n`

	serversText = `select g.name, pg_catalog.quote_ident(s.srvname) from ` + grantees + `, pg_catalog.pg_foreign_server s where pg_catalog.has_server_privilege(g.name, s.oid, 'USAGE') and exists (select from pg_catalog.pg_user_mappings m where m.srvid = s.oid and (m.umuser = 0 or m.usename = any ($1::pg_catalog.text[]))) order by g.n`

	largeObjectsText = `select coalesce((select r.rolname from pg_catalog.pg_roles r where r.oid = a.grantee), 'public'), m.oid from pg_catalog.pg_largeobject_metadata m, pg_catalog.aclexplode(m.lomacl) a where a.grantee = 0 or a.grantee <> m.lomowner and exists (select from pg_catalog.pg_roles r where r.oid = a.grantee and r.rolname = any ($1::pg_catalog.text[])) order by m.oid limit 50`

	writesText = `select g.name, x.rel, pg_catalog.string_agg(p.name, ', ' order by p.n) from ` + grantees + `, pg_catalog.unnest($2::pg_catalog.oid[]) x(rel), pg_catalog.unnest(array['INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER']) with ordinality p(name, n) where pg_catalog.has_table_privilege(g.name, x.rel, p.name) or p.name in ('INSERT', 'UPDATE', 'REFERENCES') and pg_catalog.has_any_column_privilege(g.name, x.rel, p.name) group by g.name, g.n, x.rel order by g.n`

	createsText = `select g.name, 'SCHEMA ' || pg_catalog.quote_ident(n.nspname) from ` + grantees + `, pg_catalog.pg_namespace n where n.nspname !~ '^pg_(toast|temp_|toast_temp_)' and pg_catalog.has_schema_privilege(g.name, n.oid, 'CREATE') union all select g.name, 'DATABASE ' || pg_catalog.quote_ident(pg_catalog.current_database()) from ` + grantees + ` where pg_catalog.has_database_privilege(g.name, pg_catalog.current_database(), 'CREATE')`
)

// systems finds what the server or an extension keeps from everybody as it is
// installed, and the role was given: pg_statistic, pg_read_file, dblink_connect_u.
func (k *check) systems(ctx context.Context, c Catalog) error {
	for _, q := range []struct{ text, privilege, on string }{
		{systemTablesText, "SELECT", ""}, {systemFunctionsText, "EXECUTE", "ROUTINE "},
	} {
		var seen holder
		err := each(ctx, c, func(r []string) {
			if seen.first(r[1]) {
				people, sql := via(r[0])
				k.open(Finding{KindSystem, r[1], people, "the server keeps it from everybody unless somebody grants it",
					"REVOKE " + q.privilege + " ON " + q.on + r[1] + " FROM " + sql})
			}
		}, q.text, array(k.asked()))
		if err != nil {
			return err
		}
	}
	return nil
}

// statisticsText finds the views of extended statistics as servers made them
// before CVE-2024-4317 was fixed: an upgrade does not replace them. They show
// values of expressions to everybody. Statistics on plain columns they do guard.
// stxexprs is asked for by its name as text, since PostgreSQL 13 has none.
const statisticsText = `select c.relname from pg_catalog.pg_class c where c.relnamespace = 'pg_catalog'::pg_catalog.regnamespace and c.relname in ('pg_stats_ext', 'pg_stats_ext_exprs') and pg_catalog.strpos(pg_catalog.pg_get_viewdef(c.oid), 'pg_has_role(c.relowner') = 0 and exists (select from pg_catalog.pg_statistic_ext e where pg_catalog.to_jsonb(e) ->> 'stxexprs' is not null) order by 1`

func (k *check) statistics(ctx context.Context, c Catalog) error {
	return each(ctx, c, func(r []string) {
		k.open(Finding{KindSystem, "pg_catalog." + quote(r[0]), Public, "it shows statistics of expressions to everybody, as an older server made it (CVE-2024-4317): " +
			"replace it as PostgreSQL's release notes say, or drop statistics on expressions", ""})
	}, statisticsText)
}

// servers finds other servers that the role reaches with a stored credential.
func (k *check) servers(ctx context.Context, c Catalog) error {
	var seen holder
	return each(ctx, c, func(r []string) {
		if seen.first(r[1]) {
			people, sql := via(r[0])
			k.open(Finding{KindServer, r[1], people, "another database is reached through it with a stored login (user mapping)",
				"REVOKE USAGE ON FOREIGN SERVER " + r[1] + " FROM " + sql})
		}
	}, serversText, array(k.asked()))
}

func (k *check) largeObjects(ctx context.Context, c Catalog) error {
	err := each(ctx, c, func(r []string) {
		if r[0] == "on" {
			k.open(Finding{KindLargeObject, "", Public, "lo_compat_privileges is on, so everybody reads every large object", ""})
		}
	}, "select pg_catalog.current_setting('lo_compat_privileges')")
	if err != nil {
		return err
	}
	var seen holder
	return each(ctx, c, func(r []string) {
		if seen.first(r[1]) {
			people, sql := via(r[0])
			k.open(Finding{KindLargeObject, r[1], people, "what is in a large object cannot be told",
				"REVOKE ALL ON LARGE OBJECT " + r[1] + " FROM " + sql})
		}
	}, largeObjectsText, array(k.grantees()))
}

// writes finds privileges to change tables. Constraints answer questions about
// values that may not be read, and a trigger runs with the rights of who fires it.
func (k *check) writes(ctx context.Context, c Catalog) error {
	rels := make([]oid, len(k.s.relations))
	for i, r := range k.s.relations {
		rels[i] = r.oid
	}
	var seen holder
	return each(ctx, c, func(r []string) {
		if rel := k.s.byOID[oid(r[1])]; rel != nil && seen.first(r[1]+" "+r[2]) {
			people, sql := via(r[0])
			k.open(Finding{KindWrite, rel.String(), people, "it may " + r[2] + ", and the restricted login only reads",
				"REVOKE " + r[2] + " ON " + rel.String() + " FROM " + sql})
		}
	}, writesText, array(k.asked()), array(rels))
}

// creates finds where the role could put functions, operators and views for
// others to run.
func (k *check) creates(ctx context.Context, c Catalog) error {
	var seen holder
	return each(ctx, c, func(r []string) {
		if seen.first(r[1]) {
			people, sql := via(r[0])
			k.open(Finding{KindCreate, r[1], people, "what it makes there may be run by others, with their rights", "REVOKE CREATE ON " + r[1] + " FROM " + sql})
		}
	}, createsText, array(k.asked()))
}
