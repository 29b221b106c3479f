package judge

import (
	"fmt"
	"maps"
	"strings"

	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"

	"github.com/sallyport/sallyport/connectors"
)

// known are the expression operators that compute by what they are given alone.
var known = set(`$abs $acos $acosh $add $allElementsTrue $and $anyElementTrue $arrayElemAt $arrayToObject $asin $asinh $atan $atan2 $atanh $avg
	$binarySize $bitAnd $bitNot $bitOr $bitXor $bsonSize $ceil $cmp $concat $concatArrays $cond $convert $cos $cosh
	$dateAdd $dateDiff $dateFromParts $dateFromString $dateSubtract $dateToParts $dateToString $dateTrunc $dayOfMonth $dayOfWeek $dayOfYear $degreesToRadians $divide
	$eq $exp $filter $first $firstN $floor $gt $gte $hour $ifNull $in $indexOfArray $indexOfBytes $indexOfCP $isArray $isNumber $isoDayOfWeek $isoWeek $isoWeekYear
	$last $lastN $ln $log $log10 $lt $lte $ltrim $map $max $maxN $median $mergeObjects $millisecond $min $minN $minute $mod $month $multiply $ne $not
	$objectToArray $or $percentile $pow $radiansToDegrees $range $reduce $regexFind $regexFindAll $regexMatch $replaceAll $replaceOne $reverseArray $round $rtrim
	$second $setDifference $setEquals $setIntersection $setIsSubset $setUnion $sin $sinh $size $slice $sortArray $split $sqrt $stdDevPop $stdDevSamp $strcasecmp $strLenBytes $strLenCP
	$substr $substrBytes $substrCP $subtract $sum $switch $tan $tanh $toBool $toDate $toDecimal $toDouble $toHashedIndexKey $toInt $toLong $toLower $toObjectId $toString $toUpper $toUUID
	$trim $trunc $tsIncrement $tsSecond $type $unsetField $setField $getField $week $year $zip`)

// system are variables of the server that hold no data.
var system = set("NOW CLUSTER_TIME REMOVE DESCEND PRUNE KEEP USER_ROLES SEARCH_META")

// expr judges an expression and returns where its value comes from. What is more than
// a path, an object or a list decides what it is made of.
func (a *analysis) expr(v bsoncore.Value, s scope) *connectors.Document {
	switch v.Type {
	case bsoncore.TypeString:
		text := v.StringValue()
		if strings.HasPrefix(text, "$$") {
			return a.variable(text[2:], s)
		}
		if strings.HasPrefix(text, "$") {
			return a.to(s.root, text[1:])
		}
		return nothing
	case bsoncore.TypeArray:
		values, err := v.Array().Values()
		if err != nil {
			a.unknown("an expression cannot be read")
			return nothing
		}
		out := &connectors.Document{}
		for _, v := range values {
			out.Any = append(out.Any, a.expr(v, s))
		}
		return out
	case bsoncore.TypeEmbeddedDocument:
		return a.object(v.Document(), s)
	}
	return nothing
}

func (a *analysis) variable(text string, s scope) *connectors.Document {
	name, path, deeper := strings.Cut(text, ".")
	var d *connectors.Document
	switch v, ok := s.vars[name]; {
	case ok:
		d = v
	case name == "ROOT" || name == "CURRENT":
		d = s.root
	case system[name]:
		return nothing
	default:
		a.dim(fmt.Sprintf("the variable %q is not known here", clip(name)))
		return nothing
	}
	if deeper {
		return a.to(d, path)
	}
	return a.refer(d)
}

// to is what a path leads to, as long as that can be followed.
func (a *analysis) to(d *connectors.Document, path string) *connectors.Document {
	if a.work >= maxWork {
		return nothing
	}
	return a.refer(at(d, path))
}

// refer is what a path or a variable leads to. What is referred to again and again grows
// beyond what anybody could follow, though the text is short.
func (a *analysis) refer(d *connectors.Document) *connectors.Document {
	if a.work += parts(d, maxWork-a.work); a.work >= maxWork {
		a.unknown("it is too involved to follow")
		return nothing
	}
	return d
}

// parts is how many parts a document has, up to somewhat beyond so many.
func parts(d *connectors.Document, most int) int {
	n := 1
	if d == nil || n > most {
		return n
	}
	n += len(d.Computed)
	for _, o := range d.Any {
		if n > most {
			return n
		}
		n += parts(o, most-n)
	}
	for _, f := range d.Fields {
		if n > most {
			return n
		}
		n += parts(f, most-n)
	}
	return n
}

func (a *analysis) object(d bsoncore.Document, s scope) *connectors.Document {
	elems, err := d.Elements()
	if err != nil {
		a.unknown("an expression cannot be read")
		return nothing
	}
	if !operators(d) {
		out := &connectors.Document{Fields: map[string]*connectors.Document{}}
		for _, e := range elems {
			out.Fields[e.Key()] = a.expr(e.Value(), s)
		}
		return out
	}
	if len(elems) != 1 {
		a.unknown("an expression has one operator")
		return nothing
	}
	return a.operator(elems[0].Key(), elems[0].Value(), s)
}

func (a *analysis) operator(op string, v bsoncore.Value, s scope) *connectors.Document {
	d, _ := v.DocumentOK()
	switch op {
	case "$literal", "$const", "$rand":
		return nothing
	case "$meta":
		if word, _ := v.StringValueOK(); word == "textScore" || word == "recordId" || word == "randVal" {
			return nothing
		}
		all := a.refer(s.root) // the key of an index or of an order is one of values
		a.decides(all, op)
		return computed(all)
	case "$function", "$accumulator":
		a.dim(op + " runs code at the server") // in a view, too, which code does not see
		return nothing
	case "$let":
		return a.let(d, s)
	case "$map", "$filter", "$reduce":
		return a.each(op, d, s)
	case "$getField", "$setField", "$unsetField":
		// The field's name may be computed, so that it is any.
		from := a.refer(s.root)
		if in, err := d.LookupErr("input"); d != nil && err == nil {
			from = a.expr(in, s)
		} else if op != "$getField" {
			a.unknown(op + " has no input")
		}
		all := either(from, a.expr(v, s))
		a.decides(all, op)
		return computed(all)
	}
	if !known[op] {
		a.unknown(fmt.Sprintf("the operator %q is not known here", clip(op)))
		return nothing
	}
	of := a.expr(v, s)
	a.decides(of, op)
	return computed(of)
}

// with is a scope with one more variable.
func (s scope) with(name string, d *connectors.Document) scope {
	vars := maps.Clone(s.vars)
	if vars == nil {
		vars = map[string]*connectors.Document{}
	}
	vars[name] = d
	return scope{root: s.root, vars: vars}
}

// own checks the name of a variable: CURRENT may be given another value, by which every
// path means something else.
func (a *analysis) own(name string) {
	if name == "" || name[0] < 'a' || name[0] > 'z' || strings.Contains(name, ".") {
		a.unknown(fmt.Sprintf("a variable is called %q: names begin with a small letter", clip(name)))
	}
}

func (a *analysis) let(d bsoncore.Document, s scope) *connectors.Document {
	inner := s
	vars, _ := d.Lookup("vars").DocumentOK()
	in, err := d.LookupErr("in")
	elems, err2 := vars.Elements()
	if d == nil || err != nil || vars == nil || err2 != nil {
		a.unknown("$let takes vars and in")
		return nothing
	}
	for _, e := range elems {
		a.own(e.Key())
		inner = inner.with(e.Key(), a.expr(e.Value(), s))
	}
	return a.expr(in, inner)
}

// each judges what is done for each element of a list.
func (a *analysis) each(op string, d bsoncore.Document, s scope) *connectors.Document {
	in, err := d.LookupErr("input")
	if d == nil || err != nil {
		a.unknown(op + " has no input")
		return nothing
	}
	list := a.expr(in, s)
	name := "this"
	if v, err := d.LookupErr("as"); err == nil {
		name, _ = v.StringValueOK()
	}
	a.own(name)
	inner := s.with(name, list)
	all := &connectors.Document{Any: []*connectors.Document{list}}
	if v, err := d.LookupErr("initialValue"); err == nil {
		start := a.expr(v, s)
		all.Any = append(all.Any, start)
		inner = inner.with("value", either(start, list))
	}
	for _, k := range []string{"in", "cond", "limit"} {
		if v, err := d.LookupErr(k); err == nil {
			all.Any = append(all.Any, a.expr(v, inner))
		}
	}
	a.decides(all, op)
	return computed(all)
}

// accumulators take the documents of a group; those of passing hand one value on, or
// several.
var (
	passing      = set("$first $last $push")
	accumulators = set("$sum $avg $min $max $stdDevPop $stdDevSamp $addToSet $mergeObjects $count $median $percentile $firstN $lastN $maxN $minN $top $topN $bottom $bottomN")
)

// accumulate judges one field of a group.
func (a *analysis) accumulate(v bsoncore.Value, s scope) *connectors.Document {
	d, ok := v.DocumentOK()
	elems, err := d.Elements()
	if !ok || err != nil || len(elems) != 1 {
		a.unknown("a group's field is one accumulator")
		return nothing
	}
	op, v := elems[0].Key(), elems[0].Value()
	switch {
	case op == "$accumulator":
		a.dim(op + " runs code at the server")
		return nothing
	case passing[op]:
		return a.expr(v, s)
	case !accumulators[op]:
		a.unknown(fmt.Sprintf("the accumulator %q is not known here", clip(op)))
		return nothing
	}
	of := a.expr(v, s)
	if args, ok := v.DocumentOK(); ok {
		if by, err := args.LookupErr("sortBy"); err == nil {
			a.keys(by, s, op)
		}
	}
	a.decides(of, op)
	return computed(of)
}

// keys judges a document whose keys are fields by which is sorted.
func (a *analysis) keys(v bsoncore.Value, s scope, clause string) {
	d, ok := v.DocumentOK()
	elems, err := d.Elements()
	if !ok || err != nil {
		a.unknown("what is sorted by is no document")
		return
	}
	for _, e := range elems {
		a.decides(a.to(s.root, e.Key()), clause)
	}
}
