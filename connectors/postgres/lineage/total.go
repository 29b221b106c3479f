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
		date_part extract date_trunc age host family masklen text textlen like notlike to_hex xmlconcat xmlagg xmlcomment bpchar varchar
		rank dense_rank percent_rank cume_dist percentile_cont percentile_disc row_number corr
		to_tsvector unnest json_each json_each_text jsonb_each jsonb_each_text json_array_elements jsonb_array_elements json_object_keys jsonb_object_keys
		hstore akeys avals skeys svals each hstore_to_json hstore_to_jsonb similarity word_similarity strict_word_similarity show_trgm soundex difference dmetaphone dmetaphone_alt citext`)
	totalFirst = words(`
		substr substring lpad rpad repeat split_part overlay regexp_replace regexp_match regexp_matches regexp_substr regexp_count regexp_like regexp_split_to_array regexp_split_to_table regexp_instr
		to_char encode convert_to digest hmac normalize metaphone json_extract_path json_extract_path_text jsonb_extract_path jsonb_extract_path_text
		jsonb_populate_record json_populate_record json_to_record jsonb_to_record nth_value generate_subscripts ntile jsonb_path_query jsonb_path_exists`)
	// totalSecond are those whose first argument must be the one that does not depend.
	totalSecond = words(`format timezone date_trunc date_part date_bin extract jsonb_populate_record json_populate_record`)
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
	if totalAny[name] {
		return
	}
	for i, v := range args {
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
	case totalOps[op]:
		return false
	case totalLeft[op]:
		a.decides(r.src, "an error of "+op)
		return false
	}
	switch op {
	case "+", "-", "*":
		if moderate(e.GetLexpr(), l) && moderate(e.GetRexpr(), r) {
			return true
		}
	case "/":
		if moderate(e.GetLexpr(), l) && len(r.src) == 0 && moderate(e.GetRexpr(), r) {
			return true
		}
	}
	a.decides(union(l.src, r.src), "an error of "+op)
	return false
}

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

// castMayFail: a bare column can be cast, since that asks one question that is
// not of the asker's making.
func (a *analyzer) castMayFail(c *pg.TypeCast, to string, v value) {
	if len(v.src) == 0 || v.direct || textTypes[to] {
		return
	}
	if r := c.GetArg().GetRowExpr(); r != nil && v.plain {
		return
	}
	a.decides(v.src, "an error of a cast")
}
