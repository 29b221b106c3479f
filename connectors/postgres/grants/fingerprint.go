package grants

import (
	"context"
	"fmt"
	"strings"
)

// fingerprintText sums over the versions of all rows that Check goes by: each
// change of one has the transaction that made it. Temporary tables, which come
// and go, are left out.
const fingerprintText = `select pg_catalog.concat_ws(' ',
(select pg_catalog.sum(pg_catalog.hashtextextended(c.oid || ' ' || c.xmin, 0)) from pg_catalog.pg_class c where c.relnamespace not in (select n.oid from pg_catalog.pg_namespace n where n.nspname ~ '^pg_(toast|temp_|toast_temp_)')),
(select pg_catalog.sum(pg_catalog.hashtextextended(a.attrelid || ' ' || a.attnum || ' ' || a.xmin, 0)) from pg_catalog.pg_attribute a join pg_catalog.pg_class c on c.oid = a.attrelid where a.attnum > 0 and c.relkind in ('r', 'p', 'v', 'm', 'f') and c.relnamespace not in (select n.oid from pg_catalog.pg_namespace n where n.nspname ~ '^pg_(toast|temp_|toast_temp_)')),
(select pg_catalog.sum(pg_catalog.hashtextextended(p.oid || ' ' || p.xmin, 0)) from pg_catalog.pg_proc p),
(select pg_catalog.sum(pg_catalog.hashtextextended(n.oid || ' ' || n.xmin, 0)) from pg_catalog.pg_namespace n where n.nspname !~ '^pg_(toast_)?temp_'),
(select pg_catalog.sum(pg_catalog.hashtextextended(r.oid || ' ' || r.xmin, 0)) from pg_catalog.pg_rewrite r),
(select pg_catalog.sum(pg_catalog.hashtextextended(m.roleid || ' ' || m.member || ' ' || m.xmin, 0)) from pg_catalog.pg_auth_members m),
(select pg_catalog.sum(pg_catalog.hashtextextended(d.oid || ' ' || d.xmin, 0)) from pg_catalog.pg_default_acl d),
(select pg_catalog.sum(pg_catalog.hashtextextended(l.oid || ' ' || l.xmin, 0)) from pg_catalog.pg_largeobject_metadata l),
(select pg_catalog.sum(pg_catalog.hashtextextended(s.oid || ' ' || s.xmin, 0)) from pg_catalog.pg_foreign_server s),
(select pg_catalog.sum(pg_catalog.hashtextextended(i.inhrelid || ' ' || i.inhparent || ' ' || i.xmin, 0)) from pg_catalog.pg_inherits i),
(select pg_catalog.sum(pg_catalog.hashtextextended(e.oid || ' ' || e.xmin, 0)) from pg_catalog.pg_statistic_ext e),
(select pg_catalog.sum(pg_catalog.hashtextextended(d.refobjid || ' ' || d.dbid || ' ' || d.objid || ' ' || d.xmin, 0)) from pg_catalog.pg_shdepend d where d.deptype = 'o'),
(select pg_catalog.sum(pg_catalog.hashtextextended(b.oid || ' ' || b.xmin, 0)) from pg_catalog.pg_database b where b.datname = pg_catalog.current_database()),
(select pg_catalog.sum(pg_catalog.hashtextextended(r.oid || r.rolname || r.rolsuper || r.rolbypassrls || r.rolreplication || r.rolcreaterole || r.rolcreatedb || r.rolinherit, 0)) from pg_catalog.pg_roles r),
(select pg_catalog.sum(pg_catalog.hashtextextended(u.umid || ' ' || u.srvid || ' ' || u.umuser, 0)) from pg_catalog.pg_user_mappings u),
pg_catalog.current_setting('lo_compat_privileges'))`

// Fingerprint returns a text that is another one whenever what Check goes by has
// changed: as long as it stays, so does the report for the same role and plan. It
// is much cheaper than a check.
func Fingerprint(ctx context.Context, c Catalog) (string, error) {
	rows, err := c.Rows(ctx, strings.ReplaceAll(fingerprintText, "\n", " "))
	if err != nil {
		return "", fmt.Errorf("read the catalog: %w", err)
	}
	if len(rows) != 1 || len(rows[0]) != 1 || rows[0][0] == "" {
		return "", fmt.Errorf("read the catalog: no fingerprint")
	}
	return rows[0][0], nil
}
