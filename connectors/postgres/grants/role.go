package grants

import (
	"context"
	"fmt"
	"strings"
)

// role is a role that the restricted login is or can become: itself, and all it
// is a member of, whether or not it inherits from them.
type role struct {
	oid        oid
	name       string
	attributes []string // those that get past privileges
}

// rolesText finds them. Membership with any option counts: one that does not
// inherit can be taken on, and one with ADMIN can be given away and back.
const rolesText = `with recursive m (id) as (select r.oid from pg_catalog.pg_roles r where r.rolname = $1 union select a.roleid from pg_catalog.pg_auth_members a join m on a.member = m.id) select r.oid, r.rolname, r.rolsuper, r.rolbypassrls, r.rolreplication, r.rolcreaterole, r.rolcreatedb from pg_catalog.pg_roles r join m on m.id = r.oid order by r.rolname <> $1, r.rolname collate "C"`

var attributes = []struct{ word, why, off string }{
	{"SUPERUSER", "no privilege is asked of it", "NOSUPERUSER"},
	{"BYPASSRLS", "it bypasses row security", "NOBYPASSRLS"},
	{"REPLICATION", "it can read all changes of all tables", "NOREPLICATION"},
	{"CREATEROLE", "it can make itself a member of other roles", "NOCREATEROLE"},
	{"CREATEDB", "it can make databases, which it then owns", "NOCREATEDB"},
}

// readRoles returns the role and what it can become, itself first.
func readRoles(ctx context.Context, c Catalog, name string) ([]role, error) {
	var out []role
	err := each(ctx, c, func(r []string) {
		x := role{oid: oid(r[0]), name: r[1]}
		for i, a := range attributes {
			if is(r[2+i]) {
				x.attributes = append(x.attributes, a.word)
			}
		}
		out = append(out, x)
	}, rolesText, name)
	if err == nil && len(out) == 0 {
		err = fmt.Errorf("role %q: %w", name, ErrNoRole)
	}
	return out, err
}

const (
	ownsText = `select r.rolname, pg_catalog.pg_describe_object(d.classid, d.objid, 0) from pg_catalog.pg_shdepend d join pg_catalog.pg_roles r on r.oid = d.refobjid where d.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass and d.deptype = 'o' and d.refobjid = any ($1::pg_catalog.oid[]) and d.dbid in (0, (select b.oid from pg_catalog.pg_database b where b.datname = pg_catalog.current_database())) and not (d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and exists (select from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace where c.oid = d.objid and n.nspname ~ '^pg_temp_'))`

	defaultsText = `select r.rolname, coalesce(n.nspname, ''), case a.grantee when 0 then '' else g.rolname end, pg_catalog.string_agg(a.privilege_type, ', ' order by a.privilege_type) from pg_catalog.pg_default_acl d cross join lateral pg_catalog.aclexplode(d.defaclacl) a join pg_catalog.pg_roles r on r.oid = d.defaclrole left join pg_catalog.pg_namespace n on n.oid = d.defaclnamespace left join pg_catalog.pg_roles g on g.oid = a.grantee where d.defaclobjtype = 'r' and (a.grantee = 0 or a.grantee = any ($1::pg_catalog.oid[]) and a.grantee <> d.defaclrole) group by 1, 2, 3`
)

// attributes, memberships, ownership and default privileges: what a role is,
// beside what it was granted.
func (k *check) standing(ctx context.Context, c Catalog) error {
	self := k.roles[0].name
	for i, r := range k.roles {
		for _, a := range attributes {
			if !strings.Contains(" "+strings.Join(r.attributes, " ")+" ", " "+a.word+" ") {
				continue
			}
			k.open(Finding{KindAttribute, quote(r.name), r.name, a.word + ": " + a.why, "ALTER ROLE " + quote(r.name) + " " + a.off})
		}
		if i > 0 && strings.HasPrefix(r.name, "pg_") {
			k.open(Finding{KindMembership, quote(r.name), self, "a predefined role gives rights over the whole server",
				"REVOKE " + quote(r.name) + " FROM " + quote(self)})
		}
	}
	oids := make([]oid, len(k.roles))
	for i, r := range k.roles {
		oids[i] = r.oid
	}
	if err := each(ctx, c, func(r []string) {
		k.open(Finding{KindOwnership, r[1], r[0], "an owner has all privileges, whatever was granted", ""})
	}, ownsText, array(oids)); err != nil {
		return err
	}
	return k.defaults(ctx, c, oids)
}

func (k *check) defaults(ctx context.Context, c Catalog, oids []oid) error {
	return each(ctx, c, func(r []string) {
		in, via, to := "", r[2], quote(r[2])
		if r[1] != "" {
			in = " IN SCHEMA " + quote(r[1])
		}
		if via == "" {
			via, to = Public, Public
		}
		k.open(Finding{KindDefault, "tables of " + quote(r[0]) + strings.ToLower(in[:min(len(in), 11)]) + in[min(len(in), 11):], via,
			r[3] + " on every table that is made from now on, its masked columns included",
			"ALTER DEFAULT PRIVILEGES FOR ROLE " + quote(r[0]) + in + " REVOKE ALL ON TABLES FROM " + to})
	}, defaultsText, array(oids))
}
