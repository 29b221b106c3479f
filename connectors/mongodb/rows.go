package mongodb

import (
	"fmt"

	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/mongodb/judge"
)

// maxColumns is how many fields of an answer can be told by name. They are columns of
// their own: what else a target puts into such documents does not show.
const maxColumns = 256

// Names of columns that are no fields.
const (
	documentColumn = "document"
	numberColumn   = "n"
)

// answer are the columns of a command's answer, known before it runs: the fields of
// its documents where they can be told, else the key and the whole document.
func (a *assessed) answer() []connectors.Column {
	doc := a.Document
	if doc == nil {
		doc = &connectors.Document{}
	}
	field := func(name string) connectors.Column {
		return connectors.Column{Name: name, Document: doc.At(name), Bare: true}
	}
	whole := connectors.Column{Name: documentColumn, Type: "document", Document: doc}
	switch a.Form {
	case judge.Written:
		return nil
	case judge.Number:
		return []connectors.Column{{Name: numberColumn, Type: "number", Numeric: true, Document: &connectors.Document{}}}
	case judge.Values:
		return []connectors.Column{{Name: a.name(), Document: doc, Bare: true}}
	case judge.Reply:
		return []connectors.Column{whole}
	}
	if len(a.Columns) == 0 {
		return []connectors.Column{field("_id"), whole}
	}
	var out []connectors.Column
	for _, n := range a.Columns {
		out = append(out, field(n))
	}
	return out
}

// name is what the one column of distinct is called.
func (a *assessed) name() string {
	if len(a.Columns) > 0 {
		return a.Columns[0]
	}
	return documentColumn
}

// first takes the first of the answer.
func (q *source) first(said bsoncore.Document) error {
	// What was written may be lost again, whatever form the answer has. One that is shown
	// whole says so itself.
	if d, ok := said.Lookup("writeConcernError").DocumentOK(); ok && q.a.Form != judge.Written && q.a.Form != judge.Reply {
		q.out.Unknown = true
		return q.c.failure(q.run, refusal(d))
	}
	switch q.a.Form {
	case judge.Cursor:
		return q.take(said, "firstBatch")
	case judge.Values:
		list, ok := said.Lookup("values").ArrayOK()
		if !ok {
			return malformed("an answer without values")
		}
		q.rest = body(list)
	case judge.Number:
		n, err := said.LookupErr("n")
		if err != nil {
			return malformed("an answer without a number")
		}
		q.rest = list(n)
	case judge.Found:
		if last, ok := said.Lookup("lastErrorObject").DocumentOK(); ok {
			q.out.Affected, _ = number(last, "n")
		}
		q.rest = []byte{0}
		if v, err := said.LookupErr("value"); err == nil && v.Type == bsoncore.TypeEmbeddedDocument {
			q.rest = list(v)
		}
	case judge.Reply:
		if c, ok := said.Lookup("cursor").DocumentOK(); ok && c.Lookup("firstBatch").Type != 0 && (q.a.Name == "explain" || q.a.Name == "aggregate") {
			return malformed("it ran what it was to explain") // and no mask covers that
		}
		q.rest = list(bsoncore.Value{Type: bsoncore.TypeEmbeddedDocument, Data: said})
	case judge.Written:
		return q.written(said)
	}
	return nil
}

// list is the body of a list with one value.
func list(v bsoncore.Value) []byte {
	return append(bsoncore.AppendValueElement(nil, "0", v), 0)
}

// written reads how many were changed. How many of these changed is not told on: that
// would say whether a field was equal already.
func (q *source) written(said bsoncore.Document) error {
	if n, ok := number(said, "n"); ok {
		q.out.Affected = n
	}
	if list, ok := said.Lookup("writeErrors").ArrayOK(); ok {
		values, _ := list.Values()
		if len(values) > 0 {
			d, _ := values[0].DocumentOK()
			err := q.c.failure(q.run, refusal(d))
			return err
		}
	}
	if d, ok := said.Lookup("writeConcernError").DocumentOK(); ok {
		q.out.Unknown = true
		return q.c.failure(q.run, refusal(d))
	}
	return nil
}

// row is one document, or one value, as the answer's columns.
func (q *source) row(v bsoncore.Value) ([]connectors.Value, error) {
	q.n++
	q.buf = q.buf[:0]
	d, isDoc := v.DocumentOK()
	ends := make([]int, len(q.columns))
	nulls := make([]bool, len(q.columns))
	for i, c := range q.columns {
		switch {
		case q.a.Form == judge.Values, q.a.Form == judge.Number:
			q.buf = appendBare(q.buf, v)
		case !isDoc:
			return nil, malformed(fmt.Sprintf("a row that is a %s", v.Type))
		case c.Bare:
			f, err := d.LookupErr(c.Name)
			if err != nil || f.Type == bsoncore.TypeNull {
				nulls[i] = true
			} else {
				q.buf = appendBare(q.buf, f)
			}
		default:
			q.buf = appendDocument(q.buf, d)
		}
		ends[i] = len(q.buf)
	}
	from := 0
	for i, end := range ends {
		q.vals[i] = connectors.Value{Bytes: q.buf[from:end], Null: nulls[i]}
		from = end
	}
	return q.vals, nil
}
