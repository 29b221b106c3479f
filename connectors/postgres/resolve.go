package postgres

import (
	"slices"

	"github.com/sallyport/sallyport/policy"
)

// resolve turns a judgement into facts with what the catalog knows. Without a
// catalog, c is nil, nothing is known and all stays as severe as it may be.
func resolve(j *judgement, c *catalog) policy.Facts {
	f := j.facts()
	r := resolver{f: &f, c: c, why: j.words()}
	for _, t := range j.Tables {
		f.Tables = append(f.Tables, c.table(t))
	}
	f.Reads, f.Writes = j.columns(c)
	if c == nil {
		r.withoutCatalog(j)
	} else {
		r.withCatalog(j)
	}
	if f.Class == policy.Unknown {
		f.Opaque = true
	}
	f.Why = r.why
	return f
}

type resolver struct {
	f   *policy.Facts
	c   *catalog
	why string
}

func (r *resolver) withoutCatalog(j *judgement) {
	for _, call := range j.Calls {
		if !call.Listed && !call.Known && !contrib[call.Name] {
			r.opens(policy.Unknown, "calls "+call.Name+", and what that does cannot be told without the database")
		}
	}
	for _, t := range j.Types {
		if !builtinTypes[t] {
			r.opens(policy.Read, "")
		}
	}
}

// withCatalog looks for functions of users under every name that may call one.
// A name of pg_catalog counts only while no user's function shares it: which of
// the two a call means depends on types that the text does not tell.
func (r *resolver) withCatalog(j *judgement) {
	for _, call := range j.Calls {
		if call.Schema == "pg_catalog" {
			if !call.Listed && !call.Known {
				r.opens(policy.Write, "calls "+call.Name+", which is not known to be harmless")
			}
			continue
		}
		v, users := r.c.functions[call.Name]
		switch {
		case users:
			r.calls(call.Name, v)
		case !call.Listed && !call.Known:
			r.opens(policy.Write, "calls "+call.Name+", which is not known to be harmless")
		}
	}
	for _, name := range j.Fields {
		if v, ok := r.c.functions[name]; ok && v.row {
			r.calls(name, v)
		}
	}
	for _, op := range j.Operators {
		if v, ok := r.c.operators[op]; ok {
			r.calls("the operator "+op, v)
		}
	}
	if r.c.casts || slices.ContainsFunc(j.Types, func(t string) bool { return !builtinTypes[t] && !r.c.plainTypes[t] }) {
		r.opens(policy.Read, "")
	}
}

// calls accounts for a function of the user's.
func (r *resolver) calls(name string, v volatility) {
	switch {
	case v.untrusted:
		r.opens(policy.Dangerous, "calls "+name+", which is in a language that can do anything on the database host")
	case v.definer:
		r.opens(policy.Privilege, "calls "+name+", which may change anything with its owner's rights")
	case v.volatile && v.extension && contrib[name]:
	case v.volatile:
		r.opens(policy.Write, "calls "+name+", which may change anything")
	case !v.harmless:
		r.opens(policy.Read, "")
	}
}

// opens makes the facts opaque and the class at least c.
func (r *resolver) opens(c policy.Class, why string) {
	r.f.Opaque = true
	if worse := policy.Worst(r.f.Class, c); worse != r.f.Class {
		r.f.Class = worse
	}
	if why != "" {
		if r.why != "" {
			r.why += "; "
		}
		r.why += why
	}
}

// builtinTypes are the types of pg_catalog under the names people write. Those
// that the grammar itself knows come qualified.
var builtinTypes = func() map[string]bool {
	m := map[string]bool{}
	for _, t := range []string{
		"text", "bytea", "uuid", "json", "jsonb", "jsonpath", "xml", "date", "inet", "cidr", "macaddr", "macaddr8",
		"money", "name", "oid", "tid", "xid", "xid8", "cid", "int2", "int4", "int8", "float4", "float8", "bool", "bpchar",
		"varchar", "numeric", "timestamp", "timestamptz", "time", "timetz", "interval", "bit", "varbit", "char",
		"point", "line", "lseg", "box", "path", "polygon", "circle", "tsvector", "tsquery", "pg_lsn", "txid_snapshot", "pg_snapshot",
		"regclass", "regtype", "regproc", "regprocedure", "regoper", "regoperator", "regrole", "regnamespace", "regconfig", "regdictionary", "regcollation",
		"int4range", "int8range", "numrange", "tsrange", "tstzrange", "daterange",
		"int4multirange", "int8multirange", "nummultirange", "tsmultirange", "tstzmultirange", "datemultirange",
		"record", "void", "anyelement", "anyarray", "cstring", "unknown", "any", "refcursor", "trigger", "int2vector", "oidvector", "aclitem",
	} {
		m[t] = true
	}
	return m
}()
