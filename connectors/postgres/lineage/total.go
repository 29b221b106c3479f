package lineage

import (
	"strconv"
	"strings"

	pg "github.com/pganalyze/pg_query_go/v6"
)

// An expression that fails for some values and not for others is a question about
// the value, to which the error, or its absence, is the answer:
// translate(left(ssn, 1), '7', 'x')::int. So what is made of a column decides,
// like a condition, unless the function or operator gives something for every
// value that it can be given (it is total).

// totalAny are functions that are total in all their arguments; totalFirst in the
// first, whatever the others are, as long as those do not depend on columns.
var (
	totalAny = words(`
		lower upper initcap length char_length character_length octet_length bit_length concat concat_ws reverse
		btrim ltrim rtrim left right replace translate ascii md5 sha224 sha256 sha384 sha512 strpos position starts_with
		to_json to_jsonb row_to_json array_to_json json_build_object json_build_array jsonb_build_object jsonb_build_array
		json_agg jsonb_agg json_object_agg jsonb_object_agg json_typeof jsonb_typeof jsonb_pretty json_strip_nulls jsonb_strip_nulls
		quote_literal quote_ident quote_nullable string_agg array_agg min max count sum avg stddev stddev_pop stddev_samp
		variance var_pop var_samp bool_and bool_or every mode any_value first_value last_value lag lead
		string_to_array array_to_string array_length array_ndims array_lower array_upper cardinality array_append array_prepend array_cat array_position array_positions array_remove
		pg_typeof pg_column_size hashtext num_nulls num_nonnulls round ceil ceiling floor trunc abs sign
		age host family masklen text textlen to_hex xmlconcat xmlagg bpchar varchar
		rank dense_rank percent_rank cume_dist row_number corr
		unnest json_each json_each_text jsonb_each jsonb_each_text json_array_elements jsonb_array_elements json_object_keys jsonb_object_keys
		hstore akeys avals skeys svals each hstore_to_json hstore_to_jsonb similarity word_similarity strict_word_similarity show_trgm citext`)
	totalFirst = words(`
		substr substring lpad rpad repeat split_part overlay regexp_replace regexp_match regexp_matches regexp_substr regexp_count regexp_like regexp_split_to_array regexp_split_to_table regexp_instr
		to_char encode digest hmac normalize like notlike json_extract_path json_extract_path_text jsonb_extract_path jsonb_extract_path_text
		nth_value generate_subscripts`)
	// totalSecond are those whose first argument must be the one that does not depend.
	totalSecond = words(`format timezone date_trunc date_part date_bin extract`)
	// totalBare are those that give something for every value that a column is
	// likely to hold, but can be made to fail by what an expression makes of it.
	totalBare = words(`to_tsvector xmlcomment convert_to soundex difference metaphone dmetaphone dmetaphone_alt`)
)

// keyed take names of fields, which must not be null, in every second argument;
// keyedFirst in the first.
var (
	keyed      = words(`json_build_object jsonb_build_object`)
	keyedFirst = words(`json_object_agg jsonb_object_agg`)
)

// Arrays of a length that depends on values: lengthy functions make them,
// lengthen hands them on, and where arrays are put together unequal ones fail.
var (
	lengthy  = words(`string_to_array regexp_match regexp_matches regexp_split_to_array array_remove array_positions show_trgm`)
	lengthen = words(`array_append array_prepend array_cat array_agg min max mode any_value lag lead first_value last_value nth_value`)
	joined   = words(`array_cat array_agg hstore`)
)

func words(s string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(s) {
		m[w] = true
	}
	return m
}

// mayFail notes the columns that decide whether a function fails.
func (a *analyzer) mayFail(name string, args []value) {
	for i, v := range args {
		key := keyed[name] && i%2 == 0 || keyedFirst[name] && i == 0
		if key && !v.direct || v.varies && joined[name] {
			a.decides(v.src, "an error of "+name)
		}
	}
	if totalAny[name] {
		return
	}
	for i, v := range args {
		if i == 0 && totalBare[name] && v.direct || i == 1 && name == "to_tsvector" && v.direct {
			continue
		}
		if i == 0 && totalFirst[name] || i > 0 && totalSecond[name] {
			continue
		}
		a.decides(v.src, "an error of "+name)
	}
}

// totalOps are operators that are total; those in totalLeft are in their left side.
var (
	totalOps  = words(`|| = <> != < > <= >= -> ->> #> #>> @> <@ ? ?| ?& && ^@ <-> % <% %>`)
	totalLeft = words(`~~ ~~* !~~ !~~* ~ ~* !~ !~* @@ @?`)
)

// opMayFail is mayFail for an operator. Arithmetic with numbers of a kind that
// has no bounds worth the name is total for operands of moderate size.
func (a *analyzer) opMayFail(e *pg.A_Expr, op string, l, r value) (unbounded bool) {
	switch {
	case op == "" || len(l.src)+len(r.src) == 0:
		return false
	case op == "%" && (l.unbounded || r.unbounded): // of numbers; of texts it is similarity
	case op == "||" && (l.varies || r.varies):
		a.decides(union(l.src, r.src), "an error of "+op)
		return false
	case totalOps[op]:
		return false
	case totalLeft[op]:
		a.decides(r.src, "an error of "+op)
		return false
	}
	switch {
	case l.weight+r.weight >= maxWeight:
	case op == "+", op == "-", op == "*":
		if moderate(e.GetLexpr(), l) && moderate(e.GetRexpr(), r) {
			return true
		}
	case op == "/":
		if moderate(e.GetLexpr(), l) && len(r.src) == 0 && moderate(e.GetRexpr(), r) {
			return true
		}
	}
	a.decides(union(l.src, r.src), "an error of "+op)
	return false
}

// maxWeight bounds how many operations one number goes through: with enough of
// them everything overflows, at a size of the asker's choice.
const maxWeight = 8

// moderate reports whether an operand is a number without bounds or a small literal.
func moderate(n *pg.Node, v value) bool {
	if n.GetNode() == nil || v.unbounded {
		return true
	}
	c := n.GetAConst()
	switch {
	case c.GetIval() != nil:
		return true
	case c.GetFval() != nil:
		f, err := strconv.ParseFloat(c.GetFval().GetFval(), 64)
		return err == nil && f < 1e12
	}
	return false
}

// unboundedTypes are those whose arithmetic does not overflow within reason.
var unboundedTypes = map[string]bool{"numeric": true, "double precision": true}

// textTypes take any value's text form.
var textTypes = words(`text varchar bpchar char name citext`)

// fixedTypes are those whose input asks one question that is not of the asker's
// making: not enums, whose labels somebody chose, nor names of things in the
// catalog.
var fixedTypes = words(`bool int2 int4 int8 float4 float8 numeric money oid date time timetz timestamp timestamptz interval
	uuid inet cidr macaddr macaddr8 json jsonb xml bytea tsvector bit varbit hstore`)

// castMayFail: a bare column can be cast to a type of the system, as it is, since
// that asks no question of the asker's making. numeric(4, 2) is one: it has bounds.
func (a *analyzer) castMayFail(c *pg.TypeCast, to string, v value) {
	if len(v.src) == 0 || textTypes[to] {
		return
	}
	if r := c.GetArg().GetRowExpr(); r != nil && v.plain {
		return
	}
	bounded := to == "numeric" && len(c.GetTypeName().GetTypmods()) > 0
	if v.direct && fixedTypes[to] && !bounded {
		return
	}
	a.decides(v.src, "an error of a cast")
}
