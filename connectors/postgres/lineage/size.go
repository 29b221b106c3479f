package lineage

import (
	"strings"

	pg "github.com/pganalyze/pg_query_go/v6"
)

// The target gives up where a value grows beyond a gigabyte, and its connection
// where a row is larger than the gate takes, and both take longer the larger it is.
// So what makes the size of a value hang on its content is a question about that:
// replace(ssn, '7', repeat('x', 500000000)). Values are told apart by what may be
// done with their size: big ones, as large as the asker likes; and sized ones,
// whose size hangs on what is in a column. Ordinary expressions have neither.

// The measure of a value is about bytes: those of a literal, columnSize for whatever
// a column holds. Beyond maxSize a value is as large as the asker likes: rows of it
// come near to what ends a connection.
const (
	columnSize = 64
	maxSize    = 16 << 10
	huge       = 1e18
	shortText  = 16 // bytes of what may take the place of a part of a value
	smallPad   = 1000
)

func (v value) measure() float64 {
	if v.size == 0 && len(v.src) > 0 {
		return columnSize
	}
	return v.size
}

func (v value) big() bool { return v.size > maxSize }

var (
	// bigMakers make large values of small ones.
	bigMakers = words(`repeat lpad rpad array_fill format string_agg array_agg json_agg jsonb_agg json_object_agg jsonb_object_agg
		xmlagg power pow exp factorial gen_random_bytes current_setting lo_get numeric to_char`)
	// growers make a value larger, by so much at most for ordinary values.
	growers = map[string]float64{
		"replace": shortText, "regexp_replace": shortText, "encode": 2, "quote_literal": 2, "quote_ident": 2, "quote_nullable": 2,
		"to_json": 2, "to_jsonb": 2, "row_to_json": 2, "json_build_object": 2, "json_build_array": 2, "jsonb_build_object": 2, "jsonb_build_array": 2,
		"array_to_json": 2, "jsonb_pretty": 4, "json_agg": 2, "jsonb_agg": 2, "xmlcomment": 2, "format": 2, "translate": 1,
	}
	// sizers make the size hang on the content.
	sizers = words(`replace regexp_replace regexp_match regexp_matches regexp_substr translate btrim ltrim rtrim split_part substring
		string_to_array array_remove array_to_string concat_ws quote_literal quote_ident quote_nullable encode show_trgm
		json_extract_path json_extract_path_text jsonb_extract_path jsonb_extract_path_text format`)
	// gatherers put the values of many rows into one.
	gatherers = words(`string_agg array_agg json_agg jsonb_agg json_object_agg jsonb_object_agg xmlagg`)
)

// size is what a call of a function makes of the size of its arguments, v of them
// together. It notes the columns that would decide by it.
func (a *analyzer) size(name string, v value, args []*pg.Node, sc *scope) value {
	if len(v.src) == 0 {
		if bigMakers[name] {
			v.size = made(name, args)
		}
		return v
	}
	if f := growers[name]; f > 0 {
		v.size = v.measure() * f
	}
	if v.big() || oversize(name, args) || gatherers[name] && (v.sized || sc.multiplied()) {
		a.decides(v.src, "the size of "+name)
	}
	v.sized = v.sized || sizers[name]
	return v
}

// made is the measure of what a function makes of constants, as far as it is plain
// to see.
func made(name string, args []*pg.Node) float64 {
	if len(args) < 2 {
		return huge
	}
	text, ok := literal(args[0])
	n := args[1].GetAConst().GetIval()
	switch {
	case !ok || n == nil:
	case name == "repeat":
		return float64(len(text)) * max(0, float64(n.GetIval()))
	case name == "lpad" || name == "rpad":
		return max(0, float64(n.GetIval())) * 4
	}
	return huge
}

// oversize reports whether a function is asked for more than ordinary work needs.
func oversize(name string, args []*pg.Node) bool {
	arg := func(i int) *pg.Node {
		if i < len(args) {
			return args[i]
		}
		return nil
	}
	switch name {
	case "replace", "regexp_replace":
		text, ok := literal(arg(2))
		return !ok || len(text) > shortText
	case "repeat":
		return !atMost(arg(1), maxSize/columnSize)
	case "lpad", "rpad":
		return !atMost(arg(1), smallPad)
	}
	return false
}

func literal(n *pg.Node) (string, bool) {
	if c := n.GetTypeCast(); c != nil {
		n = c.GetArg()
	}
	s := n.GetAConst().GetSval()
	return s.GetSval(), s != nil
}

func atMost(n *pg.Node, most int32) bool {
	i := n.GetAConst().GetIval()
	return i != nil && i.GetIval() <= most
}

// literalSize is the measure of a literal.
func literalSize(c *pg.A_Const) float64 {
	if strings.ContainsAny(c.GetFval().GetFval(), "eE") {
		return huge // 1e100000 is as many digits
	}
	return float64(len(c.GetSval().GetSval()) + len(c.GetBsval().GetBsval()) + len(c.GetFval().GetFval()))
}

// bigCast reports whether a constant becomes as large as the asker likes: its type
// pads it, or it is a number written in a short way.
func bigCast(c *pg.TypeCast) bool {
	t := c.GetTypeName()
	if text, ok := literal(c.GetArg()); ok && last(names(t.GetNames())) == "numeric" && strings.ContainsAny(text, "eE") {
		return true
	}
	for _, m := range t.GetTypmods() {
		if !atMost(m, smallPad) {
			return true
		}
	}
	return false
}

// multiplied reports whether the rows of a level are as many as the asker likes:
// there is something beside one table, view or function that is not a relation.
func (s *scope) multiplied() bool {
	if s == nil || len(s.sources) < 2 {
		return false
	}
	for _, n := range s.sources {
		if n.GetRangeVar() == nil || s.cte(n.GetRangeVar().GetRelname()) != nil {
			return true
		}
	}
	return false
}

// sourcesOf are the entries of a FROM list, those of joins one by one.
func sourcesOf(list []*pg.Node) []*pg.Node {
	var out []*pg.Node
	for _, n := range list {
		if j := n.GetJoinExpr(); j != nil {
			out = append(out, sourcesOf([]*pg.Node{j.GetLarg(), j.GetRarg()})...)
			continue
		}
		out = append(out, n)
	}
	return out
}

// Regular expressions may go back and forth for as long as the asker likes, or not
// at all, as the value is.
const (
	maxPattern     = 200
	maxQuantifiers = 8
)

var patterned = words(`regexp_replace regexp_match regexp_matches regexp_substr regexp_count regexp_like regexp_split_to_array regexp_split_to_table
	regexp_instr substring similar_to_escape`)

// matches notes the columns of a value that is matched with an expression that may
// take its time.
func (a *analyzer) matches(v value, pattern *pg.Node) {
	if len(v.src) == 0 {
		return
	}
	text, ok := literal(pattern)
	if ok && plainPattern(text) && v.measure() <= 4*columnSize {
		return
	}
	a.decides(v.src, "the work of a regular expression")
}

// plainPattern reports whether an expression is short, refers to nothing that it
// found, and repeats little.
func plainPattern(p string) bool {
	if len(p) > maxPattern || strings.HasPrefix(p, "***") {
		return false
	}
	quantifiers, nested := 0, false
	for i := 0; i < len(p); i++ {
		switch c := p[i]; c {
		case '\\':
			if i++; i < len(p) && p[i] >= '1' && p[i] <= '9' {
				return false
			}
		case '*', '+', '?', '{':
			quantifiers++
			nested = nested || i > 0 && p[i-1] == ')' && c != '?'
		}
		if strings.HasPrefix(p[i:], "(?=") || strings.HasPrefix(p[i:], "(?!") || strings.HasPrefix(p[i:], "(?<") {
			return false
		}
	}
	return quantifiers <= maxQuantifiers && (!nested || quantifiers <= 2)
}
